using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Tests.Dedup;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay.Export;

/// <summary>
/// A journal on disk, block by block, with the engine applying it alongside: it writes the seals that a node would, and tells what is in the ledger.
/// The euro has five digits here (ISO: two), the yen two (ISO: none), the dinar ISO's three.
/// </summary>
internal sealed class IsoJournal : IDisposable
{
    public const ushort Euro = 978, Yen = 392, Dinar = 414;
    public const ulong StartNs = 1_768_473_000 * Limits.NsPerSecond; // 2026-01-15 10:30 UTC
    public const uint EuroUnit = 1_000, YenUnit = 100;

    public static readonly UInt128 LedgerId = new(0x1111_2222_3333_4444, 0x5555_6666_7777_8888);

    /// <summary>One has what XML escapes and what XML cannot hold, one has no Latin letter, one has letters beyond Latin-1.</summary>
    public static readonly string[] Names = ["<Alpha & Söhne>\u0001 \"Zürich\"", "銀行", "Łódź-Öst", "delta"];

    private static readonly JournalOptions s_small = new() { PageBytes = 2 << 20, MemoryBytes = 4 << 20, SegmentBytes = 8 << 20, PrimeAheadBytesMax = 0 };

    private readonly FasterJournal _journal;
    private readonly BlockReplay _replay;
    private readonly Queue<ClosedBatch> _unsealed = new();
    private ulong _stream;

    public IsoJournal(string place)
    {
        Genesis genesis = new()
        {
            AccountsMax = 4_096, ParticipantsMax = 64, CurrenciesMax = 16, SessionsMax = 128, StreamsMax = 64, TargetsMax = 4_096, SumsMax = 1_024,
        };
        _journal = FasterJournal.Create(place, LedgerId, StartNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), s_small);
        _replay = new BlockReplay(made => new Deduplicator(in made, Deduplicator.IdMemoryBytesMin, new MemoryIdStore()))
        {
            Closed = batch =>
            {
                Closed.Add(batch);
                _unsealed.Enqueue(batch);
            },
        };
        var header = new BlockHeader { Kind = BlockKind.Genesis, TimeNs = StartNs };
        _replay.Apply(in header, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)));
    }

    public LedgerState State => _replay.State;

    public List<ClosedBatch> Closed { get; } = [];

    public ulong NowNs { get; set; } = StartNs;

    /// <summary>What the next block is stamped with.</summary>
    public void Wait(ulong ns) => NowNs += ns;

    public void Raise(int wallets)
    {
        for (ushort index = 1; index <= Names.Length; index++)
            Do(Scenario.Participant(index, Names[index - 1]));
        Do(Scenario.Currency(Euro, 5), Scenario.Currency(Yen, 2, 2), Scenario.Currency(Dinar, 3), Scenario.Session(2, 2, 255, SessionFlags.None));
        for (ulong wallet = 1; wallet <= (ulong)wallets; wallet++)
        {
            Do(Scenario.Wallet(wallet, (ushort)(wallet % (ulong)(Names.Length + 1))),
                Scenario.Account(wallet, wallet % 2 == 0 ? Yen : Dinar));
        }
    }

    public Verdict[] Do(params ControlCommand[] commands) =>
        [.. Append(BlockKind.Control, MemoryMarshal.Cast<ControlCommand, Payment>(commands.AsSpan()).ToArray()).ToArray().Select(outcome => outcome.Verdict)];

    public Outcome[] Pay(params Payment[] payments) => Append(BlockKind.Payments, payments);

    public void Tick() => Append(BlockKind.Tick, []);

    /// <summary>A payment with the next id of the operator's stream.</summary>
    public Payment New(Instruction instruction, ulong payer, ulong payee, ulong amount, ushort currency = Euro, PaymentFlags flags = PaymentFlags.None) => new()
    {
        IdHigh = 77, IdLow = ++_stream, Payer = payer, Payee = payee, Amount = amount, Currency = currency, Instruction = instruction,
        Flags = flags | PaymentFlags.StreamId, Session = currency == Yen && instruction is Instruction.Issue or Instruction.Redeem ? (ushort)2 : Limits.OperatorSession,
        Purpose = (Purpose)(_stream % 10),
    };

    public static Payment On(Payment target, Payment payment) => payment with { Payee = target.IdHigh, Reference = target.IdLow };

    private Outcome[] Append(BlockKind kind, Payment[] slots)
    {
        var header = new BlockHeader { Kind = kind, FirstSequence = _journal.NextSequence, Count = (uint)slots.Length, TimeNs = NowNs };
        ReadOnlySpan<byte> body = MemoryMarshal.AsBytes(slots.AsSpan());
        _journal.Append(ref header, body, default);
        _replay.Apply(in header, body);
        Outcome[] outcomes = _replay.Outcomes.ToArray();
        while (_unsealed.TryDequeue(out ClosedBatch? batch))
        {
            byte[] statement = batch.Encode();
            var seal = new BlockHeader { Kind = BlockKind.Seal, FirstSequence = _journal.NextSequence, TimeNs = NowNs };
            _journal.Append(ref seal, statement, default);
            _replay.Apply(in seal, statement);
        }

        return outcomes;
    }

    /// <summary>Makes what was appended durable; more can follow.</summary>
    public void Commit()
    {
        _journal.Commit();
        _journal.WaitDurable(_journal.LastBlock);
    }

    public void Dispose()
    {
        Commit();
        _journal.Dispose();
        _replay.Dispose();
    }
}

/// <summary>Histories by chance: payments of all kinds in whole units and below, holds that expire, fees, cut-offs, batches reported settled.</summary>
internal static class IsoHistory
{
    public const int Wallets = 12;

    private static readonly ushort[] s_currencies = [IsoJournal.Euro, IsoJournal.Euro, IsoJournal.Yen, IsoJournal.Dinar];

    public static void Write(IsoJournal journal, Random random, int blocks)
    {
        journal.Raise(Wallets);
        for (ulong wallet = 1; wallet <= Wallets; wallet++)
        {
            foreach (ushort currency in s_currencies.Distinct())
                journal.Pay(journal.New(Instruction.Issue, 0, wallet, (ulong)random.Next(1, 50_000_000), currency));
        }

        for (ushort participant = 1; participant <= 3; participant++)
            journal.Do(Scenario.Fee(participant, (uint)random.Next(0, 40), (ulong)random.Next(0, 700)));
        journal.Do(Scenario.Setting(SettingKey.BatchCount, (ulong)random.Next(10, 60)), Scenario.Setting(SettingKey.BatchAgeNs, 1_200 * Limits.NsPerSecond));
        var targets = new List<Payment>();
        ulong settled = 0;
        for (int block = 0; block < blocks; block++)
        {
            journal.Wait((ulong)random.NextInt64(0, 900 * (long)Limits.NsPerSecond));
            int roll = random.Next(20);
            if (roll == 0)
                journal.Tick();
            else if (roll == 1)
                journal.Do(Scenario.CloseBatch());
            else if ((roll == 2 || block == blocks / 2) && settled < (ulong)journal.Closed.Count)
                journal.Do(Scenario.Settled(++settled));
            else
                journal.Pay([.. Enumerable.Range(0, random.Next(1, 25)).Select(_ => Next(journal, random, targets))]);
        }
    }

    private static Payment Next(IsoJournal journal, Random random, List<Payment> targets)
    {
        ushort currency = s_currencies[random.Next(s_currencies.Length)];
        ulong payer = (ulong)random.Next(1, Wallets + 1), payee = 1 + ((payer + (ulong)random.Next(0, Wallets - 1)) % Wallets);
        ulong amount = random.Next(3) switch
        {
            0 => (ulong)random.Next(1, 2_000),
            1 => (ulong)random.Next(1, 300) * 1_000,
            _ => (ulong)random.Next(1, 400_000),
        };
        PaymentFlags flags = random.Next(3) == 0 ? PaymentFlags.Refundable : PaymentFlags.None;
        if (targets.Count > 0 && random.Next(3) == 0)
        {
            Payment target = targets[random.Next(targets.Count)];
            Instruction instruction = target.Instruction != Instruction.Hold ? Instruction.Refund : random.Next(4) == 0 ? Instruction.Void : Instruction.Capture;
            Payment on = journal.New(instruction, 0, 0, instruction == Instruction.Void ? 0 : (ulong)random.NextInt64(1, (long)target.Amount + 1), target.Currency,
                instruction == Instruction.Capture ? flags : PaymentFlags.None);
            if (instruction == Instruction.Capture && flags != PaymentFlags.None)
                targets.Add(on);
            return IsoJournal.On(target, on);
        }

        Payment made = random.Next(12) switch
        {
            < 6 => journal.New(Instruction.Micropayment, payer, payee, amount, currency, flags),
            < 8 => journal.New(Instruction.Immediate, payer, payee, amount, currency, flags),
            < 10 => journal.New(Instruction.Hold, payer, payee, amount, currency)
                with { ValidUntilNs = random.Next(2) == 0 ? 0 : journal.NowNs + (ulong)random.NextInt64(1, 3_600 * (long)Limits.NsPerSecond) },
            10 => journal.New(Instruction.Issue, 0, payee, amount, currency),
            _ => journal.New(Instruction.Redeem, payer, 0, amount, currency),
        };
        if (made.Instruction == Instruction.Hold || (made.Flags & PaymentFlags.Refundable) != 0)
            targets.Add(made);
        return made;
    }
}
