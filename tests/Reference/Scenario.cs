using System.Numerics;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// A small story told to a ledger: it builds blocks with the right numbers, sequences and times around the payments and
/// commands it is given. The cast is the same in every story (see <see cref="Raise"/>); amounts are cents.
/// </summary>
public sealed class Scenario
{
    public const ushort Euro = 978, Dollar = 840, Pound = 826; // the pound is never declared
    public const ushort Germany = 276, France = 250, Cuba = 192;

    public const ushort House = 0, Alpha = 1, Beta = 2; // participants

    /// <summary>Sessions. A desk is its participant's, clearance 255; "low" ones have 100.</summary>
    public const ushort Operator = 1, SecondOperator = 2, AlphaDesk = 3, BetaDesk = 4, AlphaLow = 5, AlphaTrusted = 6,
        BetaOperator = 7, LowOperator = 8, BetaLow = 9, HouseDesk = 10;

    /// <summary>
    /// Wallets of Alpha in Germany (tier 1) and of Beta in France (tier 2). Agent and Boss are of level 200, the rest of
    /// level 0.
    /// </summary>
    public const ulong Anna = 11, Adam = 12, Agent = 13, Bert = 21, Bea = 22, Boss = 23, Nobody = 99;

    public const ulong OpeningCents = 100_000;
    public const byte SecretLevel = 200;

    private const ulong Stream = 77;

    private readonly ILedgerUnderTest _ledger;
    private ulong _blockNumber;
    private ulong _sequence = 1;
    private ulong _streamNumber;

    public Scenario(Func<Genesis, ILedgerUnderTest> open, Genesis? genesis = null)
    {
        Genesis capacities = genesis ?? SmallGenesis();
        _ledger = open(capacities);
        Apply(BlockKind.Genesis, []);
        Raise();
    }

    public ILedgerUnderTest Ledger => _ledger;

    /// <summary>Block time of the next block. It starts at 2026-01-15 10:30 UTC.</summary>
    public ulong NowNs { get; private set; } = 1_768_473_000 * Limits.NsPerSecond;

    public static Genesis SmallGenesis() => new()
    {
        AccountsMax = 64,
        ParticipantsMax = 8,
        CurrenciesMax = 4,
        SessionsMax = 16,
        StreamsMax = 8,
        TargetsMax = 16,
        SumsMax = 8,
    };

    /// <summary>
    /// The cast: participants, currencies (both under the house's authority), sessions, wallets, opening balances of
    /// 1,000.00 €.
    /// </summary>
    private void Raise()
    {
        DoAll(Participant(Alpha, "alpha"), Participant(Beta, "beta"), Currency(Euro), Currency(Dollar));
        DoAll(
            Session(SecondOperator, House, 255, SessionFlags.Operator),
            Session(AlphaDesk, Alpha, 255), Session(BetaDesk, Beta, 255),
            Session(AlphaLow, Alpha, 100), Session(AlphaTrusted, Alpha, 255, SessionFlags.Declassify),
            Session(BetaOperator, Beta, 255, SessionFlags.Operator),
            Session(LowOperator, House, 100, SessionFlags.Operator),
            Session(BetaLow, Beta, 100), Session(HouseDesk, House, 255));
        DoAll(
            Wallet(Anna, Alpha), Wallet(Adam, Alpha), Wallet(Agent, Alpha, SecretLevel),
            Wallet(Bert, Beta), Wallet(Bea, Beta), Wallet(Boss, Beta, SecretLevel));
        PayAll(Opening(Anna), Opening(Adam), Opening(Agent), Opening(Bert));
    }

    // Blocks.

    public Outcome Pay(Payment payment) => PayAll(payment)[0];

    public Outcome[] PayAll(params Payment[] payments) => Apply(BlockKind.Payments, payments);

    public Verdict Do(ControlCommand command) => DoAll(command)[0];

    public Verdict[] DoAll(params ControlCommand[] commands) =>
        DoSlots(MemoryMarshal.Cast<ControlCommand, Payment>(commands.AsSpan()).ToArray());

    public Verdict[] DoSlots(Payment[] slots) => [.. Apply(BlockKind.Control, slots).Select(outcome => outcome.Verdict)];

    /// <summary>Activates a plan of rules, over as many slots as it takes.</summary>
    public Verdict Activate(ReadOnlySpan<byte> plan)
    {
        ControlCommand command = Command(Instruction.ActivateRules) with { ContinuationBytes = (uint)plan.Length };
        Payment[] slots = new Payment[1 + command.ContinuationSlots];
        MemoryMarshal.Write(MemoryMarshal.AsBytes(slots.AsSpan()), command);
        plan.CopyTo(MemoryMarshal.AsBytes(slots.AsSpan(1)));
        return DoSlots(slots)[0];
    }

    public void Tick() => Apply(BlockKind.Tick, []);

    /// <summary>Lets time pass; a step of more than an hour is accepted by command.</summary>
    public void Wait(TimeSpan time)
    {
        ulong ns = (ulong)time.Ticks * 100;
        NowNs += ns;
        if (ns > Limits.TimeStepMaxNs)
            Do(Command(Instruction.AcceptTime));
    }

    /// <summary>A command whose payload stands behind it.</summary>
    public Verdict Send(Instruction instruction, byte[] payload, ushort session = Operator)
    {
        Verdict verdict = DoSlots(PayloadCommand.ToSlots(instruction, session, payload))[0];
        if (instruction == Instruction.OpenChain && verdict == Verdict.Accepted)
            ChainOpened = _sequence - 1;
        return verdict;
    }

    /// <summary>Sequence of the last slot of the command that opened a chain last: what links of that chain name.</summary>
    public ulong ChainOpened { get; private set; }

    /// <summary>Payments with their evidence.</summary>
    public Outcome[] PayWith(byte[] evidence, params Payment[] payments) => Apply(BlockKind.Payments, payments, evidence);

    private Outcome[] Apply(BlockKind kind, Payment[] slots, byte[]? evidence = null)
    {
        BlockHeader header = new()
        {
            Magic = BlockHeader.MagicValue,
            Version = BlockHeader.FormatVersion,
            Kind = kind,
            Number = _blockNumber++,
            FirstSequence = _sequence,
            Count = (uint)slots.Length,
            BodyBytes = (uint)((slots.Length * Payment.Size) + (evidence?.Length ?? 0)),
            AttachmentBytes = (uint)(evidence?.Length ?? 0),
            TimeNs = NowNs,
        };
        _sequence += (ulong)slots.Length;
        return _ledger.Apply(header, slots, evidence);
    }

    // Payments. Each has a fresh stream id; `with` changes what the story is about.

    public Payment Micro(ulong payer, ulong payee, ulong amount) => Transfer(Instruction.Micropayment, payer, payee, amount);

    public Payment Immediate(ulong payer, ulong payee, ulong amount) => Transfer(Instruction.Immediate, payer, payee, amount);

    public Payment Hold(ulong payer, ulong payee, ulong amount) => Transfer(Instruction.Hold, payer, payee, amount);

    public Payment Capture(in Payment hold, ulong amount) => OnTarget(Instruction.Capture, hold, amount);

    public Payment Void(in Payment hold) => OnTarget(Instruction.Void, hold, 0);

    public Payment Refund(in Payment paid, ulong amount) => OnTarget(Instruction.Refund, paid, amount);

    public Payment Issue(ulong payee, ulong amount) =>
        Fresh(Instruction.Issue) with { Payee = payee, Amount = amount, Session = Operator };

    public Payment Redeem(ulong payer, ulong amount) =>
        Fresh(Instruction.Redeem) with { Payer = payer, Amount = amount, Session = Operator };

    public Payment Opening(ulong payee, ulong amount = OpeningCents) => Issue(payee, amount) with
    {
        Flags = PaymentFlags.Opening,
        IdHigh = Limits.OpeningIdHigh | Euro,
        IdLow = payee,
    };

    private Payment Transfer(Instruction instruction, ulong payer, ulong payee, ulong amount) =>
        Fresh(instruction) with { Payer = payer, Payee = payee, Amount = amount, Session = AlphaDesk };

    private Payment OnTarget(Instruction instruction, in Payment target, ulong amount) =>
        Fresh(instruction) with { Payee = target.IdHigh, Reference = target.IdLow, Amount = amount, Session = BetaDesk };

    private Payment Fresh(Instruction instruction) => new()
    {
        Instruction = instruction,
        Flags = PaymentFlags.StreamId,
        IdHigh = Stream,
        IdLow = ++_streamNumber,
        Currency = Euro,
    };

    public static Payment Refundable(Payment payment) => payment with { Flags = payment.Flags | PaymentFlags.Refundable };

    /// <summary>The payment under a UUIDv7 of that time; <paramref name="tail"/> makes it unique.</summary>
    public static Payment WithUuid7(Payment payment, ulong timeNs, ulong tail) => payment with
    {
        Flags = payment.Flags & ~PaymentFlags.StreamId,
        IdHigh = ((timeNs / 1_000_000) << 16) | 0x7000,
        IdLow = (1UL << 63) | tail,
    };

    /// <summary>The payment under a UUIDv4.</summary>
    public static Payment WithUuid4(Payment payment, ulong tail) => payment with
    {
        Flags = payment.Flags & ~PaymentFlags.StreamId,
        IdHigh = 0x1234_5678_9ABC_4000,
        IdLow = (1UL << 63) | tail,
    };

    // Commands, sent by the operator unless `with` says otherwise.

    public static ControlCommand Command(Instruction instruction) => new() { Instruction = instruction, Session = Operator };

    public static ControlCommand Participant(ushort index, string name)
    {
        ControlCommand command = Command(Instruction.DeclareParticipant) with { Participant = index };
        command.SetName(name);
        return command;
    }

    public static ControlCommand Currency(ushort number, byte scale = 2, ushort authority = House) =>
        Command(Instruction.DeclareCurrency) with { Currency = number, Scale = scale, Participant = authority };

    public static ControlCommand Session(
        ushort index, ushort participant, byte clearance, SessionFlags flags = SessionFlags.None) =>
        Command(Instruction.OpenSession) with
        {
            Subject = index,
            Participant = participant,
            Level = clearance,
            SessionFlags = flags,
        };

    /// <summary>A wallet with an account in euro, in the participant's country and tier.</summary>
    public static ControlCommand Wallet(ulong wallet, ushort participant, byte level = 0, ulong holder = 0) =>
        Command(Instruction.OpenWallet) with
        {
            Subject = wallet,
            Participant = participant,
            Country = participant == Beta ? France : Germany,
            Tier = participant == Beta ? (byte)2 : (byte)1,
            Level = level,
            Holder = holder,
            Currency = Euro,
        };

    public static ControlCommand Account(ulong wallet, ushort currency) =>
        Command(Instruction.OpenAccount) with { Subject = wallet, Currency = currency };

    public static ControlCommand Status(ulong wallet, WalletStatus status) =>
        Command(Instruction.SetWalletStatus) with { Subject = wallet, Status = status };

    public static ControlCommand Close(ulong wallet) => Command(Instruction.CloseWallet) with { Subject = wallet };

    public static ControlCommand Level(ulong wallet, byte level, ushort session = Operator) =>
        Command(Instruction.SetWalletLevel) with { Subject = wallet, Level = level, Session = session };

    public static ControlCommand Cap(ushort participant, ulong cents, bool isSet = true) =>
        Command(Instruction.SetCap) with { Participant = participant, Currency = Euro, Value = cents, Value2 = isSet ? 1UL : 0 };

    public static ControlCommand Fee(ushort participant, uint basisPoints, ulong fixedCents) =>
        Command(Instruction.SetFee) with
        {
            Participant = participant,
            Currency = Euro,
            BasisPoints = basisPoints,
            Value = fixedCents,
        };

    public static ControlCommand Setting(SettingKey key, ulong value, ulong value2 = 0, ushort currency = 0) =>
        Command(Instruction.SetSetting) with { Subject = (ulong)key, Value = value, Value2 = value2, Currency = currency };

    public static ControlCommand CloseBatch() => Command(Instruction.CloseBatch);

    public static ControlCommand Settled(ulong batch) => Command(Instruction.SettledBatch) with { Subject = batch };

    // What is seen.

    public AccountView AccountOf(ulong wallet, ushort currency = Euro) =>
        _ledger.Account(wallet, currency) ?? throw new InvalidOperationException($"wallet {wallet} has no account in {currency}");

    public ulong Available(ulong wallet) => AccountOf(wallet).Available;

    public BigInteger Position(ushort participant) => _ledger.OpenPosition(participant, Euro);
}
