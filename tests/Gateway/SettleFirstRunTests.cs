using Settlement.Engine;
using Settlement.Engine.Dedup;
using Settlement.Engine.Journal;
using Settlement.Gateway.Settle;
using Settlement.Tests.Dedup;

namespace Settlement.Tests.Gateway;

[TestFixture]
public sealed class SettleFirstRunTests
{
    /// <summary>Where a first run made the journal and nothing in it, the next one is the first all the same.</summary>
    [Test]
    public void A_ledger_whose_first_run_failed_has_its_default_cut_offs_after_the_second()
    {
        using var place = new TemporaryFolder();
        string wallets = place.PathOf("wallets.csv");
        string journal = place.PathOf("journal");
        File.WriteAllText(wallets, "wallet,country\n1,DE\n");
        Assert.That(Settle(wallets, journal), Is.EqualTo(SettleCommand.ExitUnusable));
        Assert.That(FasterJournal.Exists(journal), Is.True);
        File.WriteAllText(wallets, "wallet,country,participant,currency,opening\n1,DE,bank,EUR,10.00\n");
        Assert.That(Settle(wallets, journal), Is.Zero);
        using BlockReplay replay = Replay(journal);
        Assert.That(replay.State.Settings.BatchCount, Is.EqualTo(SettleOptions.BatchCountDefault));
        Assert.That(replay.State.Settings.BatchAgeNs, Is.EqualTo(SettleOptions.BatchAgeNsDefault));
    }

    private static int Settle(string wallets, string journal) =>
        SettleCommand.Create(TextWriter.Null, TextWriter.Null).Parse(["--wallets", wallets, "--journal", journal]).Invoke();

    private static BlockReplay Replay(string journal)
    {
        var replay = new BlockReplay(genesis => new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, new MemoryIdStore()));
        using JournalReader reader = JournalReader.Open(journal);
        while (reader.Next())
            replay.Apply(reader.Header, reader.Body);
        return replay;
    }
}
