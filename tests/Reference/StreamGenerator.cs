using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>One block of a generated history, and what the naive twin answered to it.</summary>
public sealed record GeneratedBlock(BlockHeader Header, Payment[] Slots, Outcome[] Expected)
{
    /// <summary>Made before the block; none unless the generator was asked for them.</summary>
    public IReadOnlyList<GeneratedDecision> Decisions { get; init; } = [];

    /// <summary>Its attachment.</summary>
    public byte[] Evidence { get; init; } = [];
}

/// <summary>A reviewer's decision about a payment under review, by its key, and the twin's answer.</summary>
public readonly record struct GeneratedDecision(TargetKey Key, bool Releases, Verdict Expected);

/// <summary>
/// A whole history by seed: genesis, the cast, then blocks of payments, control commands and ticks until
/// <paramref name="payments"/> payments were made. It drives itself by a naive twin running alongside, so that it knows
/// what exists
/// and hits what is interesting: targets of the same block, balances to the unit, the edges of windows. The same seed
/// gives the same history on every machine. Chain fields and the CRC of the headers stay zero.
/// </summary>
/// <param name="seed">Its two lowest bits choose the temper: ample capacities, tight ones, a short memory, many small
/// batches.</param>
/// <param name="rules">Rules for the twin alongside; null: <see cref="TableRules"/>.</param>
/// <param name="encode">Makes a plan for those rules from table rules; null: <see cref="TableRules.Encode"/>.</param>
/// <param name="consents">Whether wallets have owners with keys, policies, mandates and chains, and blocks evidence; else all are custodial.</param>
/// <param name="decides">Whether payments under review are also decided between blocks; else they expire. A journal has blocks alone.</param>
public sealed partial class StreamGenerator(
    ulong seed, int payments = 100_000, INaiveRules? rules = null, Func<IReadOnlyList<TableRule>, byte[]>? encode = null,
    bool decides = false, bool consents = false)
{
    private enum Temper
    {
        Ample,
        Tight,
        ShortMemory,
        SmallBatches,
    }

    private readonly SeededRandom _random = new(seed);
    private readonly Temper _temper = (Temper)(seed & 3);
    private readonly Func<IReadOnlyList<TableRule>, byte[]> _encode = encode ?? TableRules.Encode;
    private NaiveEngine? _model;
    private ulong _now = 1_768_473_000 * Limits.NsPerSecond; // 2026-01-15 10:30 UTC
    private bool _hasJumpedFar;

    /// <summary>
    /// Whose sessions make most payments, over one long stream: it must pass 65,536 for old numbers to be forgotten.
    /// </summary>
    private const ushort BulkParticipant = 1;

    public ulong Seed { get; } = seed;

    public Genesis Genesis => _temper == Temper.Tight
        ? new Genesis
        {
            AccountsMax = 290, // the cast takes some 275
            ParticipantsMax = 7,
            CurrenciesMax = 5,
            SessionsMax = 20,
            StreamsMax = 9,
            TargetsMax = 60,
            SumsMax = 14,
        }
        : new Genesis
        {
            AccountsMax = 4_096,
            ParticipantsMax = 64,
            CurrenciesMax = 16,
            SessionsMax = 128,
            StreamsMax = 64,
            TargetsMax = 8_192,
            SumsMax = 4_096,
        };

    /// <summary>The twin alongside; it stands behind the block last yielded.</summary>
    public NaiveEngine Model => _model ?? throw new InvalidOperationException("no block was generated yet");

    /// <summary>The history. It can be read once.</summary>
    public IEnumerable<GeneratedBlock> Blocks()
    {
        if (_model is not null)
            throw new InvalidOperationException("the history was read before; make another generator of the same seed");
        _model = new NaiveEngine(Genesis, rules ?? new TableRules());
        yield return Block(BlockKind.Genesis, []);
        foreach (List<Payment> commands in Cast())
            yield return Block(BlockKind.Control, commands);
        yield return Block(BlockKind.Payments, Openings());

        for (int made = 0; made < payments;)
        {
            bool jumps = AdvanceTime();
            Step? step = !jumps && _random.OneIn(2) && _script.Count > 0 ? _script.Dequeue() : null;
            _decisions.Clear();
            Decide(step?.Decisions ?? []);
            if (step?.NotBeforeNs > _now)
                (_now, jumps) = (step.NotBeforeNs, true);
            int roll = _random.Below(100);
            if (jumps || step?.Commands is not null || (step is null && roll < 12))
                yield return Block(BlockKind.Control, NextCommands(jumps, step?.Commands));
            else if (step is null && roll < 16)
                yield return Block(BlockKind.Tick, []);
            else
            {
                _evidence.Clear();
                List<Payment> slots = NextPayments(Math.Min(NextBlockSize(), payments - made), step?.Payments);
                made += slots.Count;
                yield return Block(BlockKind.Payments, slots);
            }

            if (_script.Count == 0 && _random.OneIn(4))
                StartScript();
        }
    }

    private GeneratedBlock Block(BlockKind kind, List<Payment> slots)
    {
        byte[] evidence = kind == BlockKind.Payments ? [.. _evidence] : [];
        BlockHeader header = new()
        {
            Magic = BlockHeader.MagicValue,
            Version = BlockHeader.FormatVersion,
            Kind = kind,
            Number = Model.BlockNumberNext,
            FirstSequence = Model.SequenceNext,
            Count = (uint)slots.Count,
            BodyBytes = kind == BlockKind.Genesis ? Genesis.Size : (uint)(slots.Count * Payment.Size + evidence.Length),
            AttachmentBytes = (uint)evidence.Length,
            TimeNs = _now,
        };
        Payment[] body = [.. slots];
        Outcome[] outcomes = Model.Apply(header, body, evidence);
        if (kind == BlockKind.Payments)
            Learn(body, outcomes);
        else if (kind == BlockKind.Control)
            ForgetWalletsNotOpened();
        return new GeneratedBlock(header, body, outcomes) { Decisions = [.. _decisions], Evidence = evidence };
    }

    private int NextBlockSize() => _random.Below(100) switch
    {
        < 25 => 1,
        < 55 => _random.Between(2, 30),
        < 80 => _random.Between(30, 500),
        < 99 => _random.Between(500, 4_000),
        _ => _random.Between(4_000, Limits.BlockSlotsMax),
    };

    /// <returns>Whether the step is one that needs AcceptTime.</returns>
    private bool AdvanceTime()
    {
        int roll = _random.Below(1_000);
        ulong step = roll switch
        {
            < 150 => 0UL,
            < 700 => _random.Below(50_000_000UL),
            < 850 => _random.Below(90 * Limits.NsPerSecond),
            < 940 => _random.Below(Limits.NsPerHour),
            < 950 => Limits.TimeStepMaxNs,
            < 953 => Limits.TimeStepMaxNs + 1,
            < 985 => _random.Between(Limits.NsPerHour + 1, 8 * Limits.NsPerHour),
            < 996 => _random.Between(Limits.NsPerHour + 1, 3 * Limits.NsPerDay),
            _ => FarJumpOnce(),
        };
        _now += step;
        return step > Limits.TimeStepMaxNs;
    }

    /// <summary>Past every retention and lifetime; more than once would leave little that is remembered.</summary>
    private ulong FarJumpOnce()
    {
        if (_hasJumpedFar)
            return 0;
        _hasJumpedFar = true;
        return _random.Between(31 * Limits.NsPerDay, 45 * Limits.NsPerDay);
    }
}
