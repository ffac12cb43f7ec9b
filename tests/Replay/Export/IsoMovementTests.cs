using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;
using Settlement.Replay.Export.Iso;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay.Export;

/// <summary>
/// Over generated histories of every instruction, session and refusal: the movements of a range are all that lies between the balances at its two ends, in
/// every account.
/// </summary>
public sealed class IsoMovementTests : IsoFixture
{
    private static readonly JournalOptions s_options = new() { PageBytes = 4 << 20, MemoryBytes = 8 << 20, SegmentBytes = 32 << 20, PrimeAheadBytesMax = 0 };

    // The two lowest bits of a seed choose the history's temper: one of each.
    private static readonly ulong[] s_seeds = [4, 5, 6, 7];

    private ulong[] _walletOf = [];

    private static ulong[] Seeds() => ulong.TryParse(Environment.GetEnvironmentVariable("SETTLEMENT_SEED"), out ulong seed) ? [seed] : s_seeds;

    [TestCaseSource(nameof(Seeds))]
    public void A_ranges_movements_are_what_lies_between_the_balances_at_its_ends(ulong seed)
    {
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        ulong last = Write(seed);
        var random = new SeededRandom(seed);
        ulong[] cuts = [0, random.Between(last / 4, last / 2), random.Between(last / 2, last - 1)];
        int targeted = 0;
        foreach (ulong cut in cuts)
        {
            List<Movement> all = Movements(cut, wallet: null, out ulong busiest);
            targeted += all.Count(movement => movement.Instruction is Instruction.Capture or Instruction.Refund);
            Assert.That(Movements(cut, busiest, out _), Is.EqualTo(all.Where(movement => _walletOf[movement.Account] == busiest)), "a wallet's are those of all");
        }

        Assert.That(targeted, Is.Positive, "else no capture or refund was seen");
    }

    private List<Movement> Movements(ulong cut, ulong? wallet, out ulong busiest)
    {
        var request = new IsoRequest { Journal = Journal, Format = IsoFormat.Camt053, Out = "", From = JournalPoint.AtSequence(cut) };
        using RangeStart start = RangeStart.At(request, request.From);
        using var sort = new MovementSort(PathOf(string.Create(CultureInfo.InvariantCulture, $"sort{cut}-{wallet}")), runMovements: 1_000);
        var movements = new WalletMovements(start, wallet, sort);
        using JournalWalk walk = JournalWalk.Open(Journal, new WalkOptions { From = cut + 1 });
        while (walk.Next())
            movements.Take(walk);
        walk.ToPoint();
        sort.Begin();
        var found = new List<Movement>();
        while (sort.NextAccount is var account and not 0)
        {
            while (sort.TryTake(account, out Movement movement))
                found.Add(movement);
        }

        Assert.That(found.Select(movement => movement.Sequence), Is.All.GreaterThan(start.Point.Sequence));
        Dictionary<int, Int128> changes = found.GroupBy(movement => movement.Account).ToDictionary(
            account => account.Key, account => account.Aggregate((Int128)0, (sum, movement) => sum + (movement.IsCredit ? (Int128)movement.Amount : -(Int128)movement.Amount)));
        LedgerState state = walk.State;
        _walletOf = [.. Enumerable.Range(0, state.Accounts.Count + 1).Select(row => state.Accounts[row].Wallet)];
        for (int row = 1; row <= state.Accounts.Count; row++)
        {
            if (wallet is { } only && state.Accounts[row].Wallet != only)
                continue;
            Int128 opening = row <= start.State!.Accounts.Count ? start.State.Accounts[row].Total : 0;
            Assert.That(opening + changes.GetValueOrDefault(row), Is.EqualTo((Int128)state.Accounts[row].Total), $"wallet {state.Accounts[row].Wallet} behind sequence {cut}");
        }

        busiest = _walletOf[found.GroupBy(movement => movement.Account).MaxBy(account => account.Count())!.Key];
        return found;
    }

    private ulong Write(ulong seed)
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, 8_000, rules, rules.Encode);
        Genesis genesis = generator.Genesis;
        FasterJournal? journal = null;
        try
        {
            foreach (GeneratedBlock block in generator.Blocks())
            {
                if (journal is null)
                {
                    journal = FasterJournal.Create(Journal, 9, block.Header.TimeNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), s_options);
                    continue;
                }

                BlockHeader header = block.Header;
                ulong number = journal.Append(ref header, MemoryMarshal.AsBytes(block.Slots.AsSpan()), default);
                journal.Commit();
                journal.WaitDurable(number);
            }

            return journal!.NextSequence - 1;
        }
        finally
        {
            journal?.Dispose();
        }
    }
}
