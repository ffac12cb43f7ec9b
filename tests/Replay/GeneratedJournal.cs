using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>All accounts as the naive twin had them behind a sequence.</summary>
internal sealed record GeneratedPoint(ulong Sequence, ulong OpenBatch, Dictionary<(ulong Wallet, ushort Currency), AccountView> Accounts);

/// <summary>A payment of a generated history, and what the naive twin answered.</summary>
internal sealed record GeneratedPayment(ulong Sequence, ulong Block, ulong TimeNs, Payment Payment, Outcome Outcome);

/// <summary>
/// A generated history in a journal, written as far as a test wants it, and what the naive twin made of it: every payment's outcome, and
/// all accounts at points drawn at random.
/// </summary>
internal sealed class GeneratedJournal : IDisposable
{
    private readonly StreamGenerator _generator;
    private readonly IEnumerator<GeneratedBlock> _blocks;
    private readonly FasterJournal _journal;
    private readonly Random _random;

    public GeneratedJournal(string directory, int payments, Random random, UInt128? ledgerId = null, JournalOptions? options = null)
    {
        _random = random;
        var rules = new SharedRules();
        _generator = new StreamGenerator((ulong)random.NextInt64(), payments, rules, rules.Encode);
        _blocks = _generator.Blocks().GetEnumerator();
        _blocks.MoveNext();
        Genesis genesis = _generator.Genesis;
        _journal = FasterJournal.Create(
            directory, ledgerId ?? 7, _blocks.Current.Header.TimeNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), options ?? JournalOptions.Small);
    }

    public NaiveEngine Twin => _generator.Model;

    public List<GeneratedPayment> Payments { get; } = [];

    public List<GeneratedPoint> Points { get; } = [];

    /// <summary>Appends blocks until so many more payments are in the journal, durable; false: the history is over.</summary>
    public bool Write(int payments)
    {
        long wanted = Payments.Count + (long)payments;
        bool more = true;
        while (Payments.Count < wanted && (more = _blocks.MoveNext()))
            Append(_blocks.Current);
        _journal.Commit();
        _journal.WaitDurable(_journal.LastBlock);
        return more;
    }

    public void WriteAll() => Write(int.MaxValue);

    public void Dispose()
    {
        _blocks.Dispose();
        _journal.Dispose();
    }

    private void Append(GeneratedBlock block)
    {
        var header = new BlockHeader
        {
            Kind = block.Header.Kind, FirstSequence = block.Header.FirstSequence, Count = block.Header.Count, TimeNs = block.Header.TimeNs,
        };
        ulong number = _journal.Append(ref header, MemoryMarshal.AsBytes(block.Slots.AsSpan()), default);
        for (int i = 0; i < block.Slots.Length && header.Kind == BlockKind.Payments; i++)
            Payments.Add(new GeneratedPayment(header.FirstSequence + (ulong)i, number, header.TimeNs, block.Slots[i], block.Expected[i]));
        // Behind a sequence, not between two blocks that share it: what a tick does belongs to the sequence that comes next.
        if (block.Slots.Length > 0 && _random.Next(40) == 0)
            Points.Add(new GeneratedPoint(header.FirstSequence + (ulong)block.Slots.Length - 1, Twin.OpenBatch, AccountsNow()));
    }

    public Dictionary<(ulong Wallet, ushort Currency), AccountView> AccountsNow()
    {
        var accounts = new Dictionary<(ulong, ushort), AccountView>();
        foreach (NaiveWallet wallet in Twin.Wallets.Values)
        {
            foreach (ushort currency in wallet.Accounts.Keys)
                accounts[(wallet.Id, currency)] = Twin.Account(wallet.Id, currency)!.Value;
        }

        return accounts;
    }
}
