
namespace Settlement.Tests.Gateway.Settle;

/// <summary>
/// `settle` on a disk that is too small: it stops with a sentence, and goes on from there once there is room. Needs a small file system
/// mounted, and is skipped where that is not allowed; the journal's own fault tests need none.
/// </summary>
public sealed class SettleDiskTests
{
    [Test]
    public void A_full_disk_stops_the_run_and_nothing_that_was_shown_is_lost()
    {
        using var folder = new SettleFolder();
        string wallets = folder.Write("wallets.csv", SettleFolder.FourWallets);
        using var disk = SmallDisk.Mount(folder.PathOf("disk"), "12k");
        const int Lines = 1_000_000;
        string payments = folder.PathOf("payments.csv");
        File.WriteAllLines(payments, Enumerable.Range(0, Lines).Select(line => $",{1 + (line % 4)},{1 + ((line + 1) % 4)},0.01,EUR,immediate").Prepend("id,payer,payee,amount,currency,instruction"));
        string[] words = ["settle", "--journal", Path.Combine(disk.Directory, "journal"), "--report", folder.Report, "--json", "--verdicts", "all", "--wallets", wallets, payments];
        SettleResult unborn = SettleFolder.Run(words);
        Assert.That(unborn.Code, Is.AnyOf(1, 2));
        Assert.That(unborn.Error, Does.Contain("disk").And.Not.Contain("   at "), "no room for the journal's first block");

        disk.Resize("48m");
        SettleResult full = SettleFolder.Run(words);
        Assert.That(full.Code, Is.EqualTo(1), full.Output + full.Error);
        Assert.That(full.Error, Does.Contain("journal.log.0").And.Contain("disk full").And.Contain("What was acknowledged is durable").And.Not.Contain("   at "));
        long shown = folder.ReportLines("verdicts.csv").Skip(1).LongCount(line => line.EndsWith(",accepted", StringComparison.Ordinal));

        Assert.That(shown, Is.GreaterThan(0));
        disk.Resize("512m");
        SettleResult resumed = SettleFolder.Run(words).Exits(0);
        Assert.That(resumed.Count("accepted") + resumed.Count("duplicate") + resumed.Count("duplicate_look_up"), Is.EqualTo(Lines));
        Assert.That(resumed.Count("accepted"), Is.LessThanOrEqualTo(Lines - shown).And.GreaterThan(0));
    }
}
