using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Reply;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Dedup;

namespace Settlement.Tests.Live;

/// <summary>A clock that a test moves.</summary>
internal sealed class HandClock(ulong nowNs) : BlockClock
{
    private ulong _nowNs = nowNs;

    public override ulong NowNs => Volatile.Read(ref _nowNs);

    public void Add(ulong ns) => Volatile.Write(ref _nowNs, _nowNs + ns);
}

/// <summary>
/// A node on a journal of its own, which keeps every outcome and batch that it was told, so that a replay of the same journal can be
/// held against them.
/// </summary>
internal sealed class LiveLedger : IReplyPublisher, IBatchPublisher, IDisposable
{
    public const ushort Euro = 978;
    public const ulong StartNs = 1_768_473_000 * Limits.NsPerSecond; // 2026-01-15 10:30 UTC
    public const int RingSlots = 2 * Limits.BlockSlotsMax; // the least

    private readonly string _folder;
    private readonly List<Outcome> _outcomes = []; // written by: reply thread
    private readonly HashSet<int> _untold = []; // indices of outcomes that a close kept from being told
    private readonly List<ClosedBatch> _batches = []; // written by: tree thread
    private readonly JournalOptions _journal;
    private readonly SnapshotOptions? _snapshots;
    private readonly Genesis _genesis;
    private Node? _node;

    /// <param name="folder">Where the journal is, or is made.</param>
    /// <param name="clock">Gives blocks their time.</param>
    /// <param name="journal">Sizes; null: small ones.</param>
    /// <param name="snapshots">When they are taken; null: never.</param>
    /// <param name="key">Key pair of a node that signs; null: seals are not signed.</param>
    /// <param name="genesis">Capacities; null: small ones.</param>
    public LiveLedger(string folder, HandClock clock, JournalOptions? journal = null, SnapshotOptions? snapshots = null, ECParameters? key = null,
        Genesis? genesis = null)
    {
        (_folder, Clock, _journal, _snapshots, Key, _genesis) = (folder, clock, journal ?? JournalOptions.Small, snapshots, key, genesis ?? SmallGenesis());
        Open();
    }

    public HandClock Clock { get; }

    /// <summary>With which the node is opened next.</summary>
    public ECParameters? Key { get; set; }

    public Node Node => _node ?? throw new InvalidOperationException("the node is closed");

    public ulong FirstSequence { get; private set; } = 1;

    public IReadOnlyList<Outcome> Outcomes => _outcomes;

    public IReadOnlyList<ClosedBatch> Batches => _batches;

    /// <summary>How long the reply thread takes over each call.</summary>
    public int ReplyDelayMs { get; set; }

    public static Genesis SmallGenesis() => new()
    {
        AccountsMax = 4_096, ParticipantsMax = 16, CurrenciesMax = 8, SessionsMax = 32, StreamsMax = 64, TargetsMax = 4_096, SumsMax = 1_024,
    };

    public static Payment Slot(ControlCommand command)
    {
        command.Session = Limits.OperatorSession;
        return MemoryMarshal.Cast<ControlCommand, Payment>(new ReadOnlySpan<ControlCommand>(in command))[0];
    }

    /// <summary>A command with its continuation.</summary>
    public static Payment[] Slots(ControlCommand command, ReadOnlySpan<byte> continuation)
    {
        command.ContinuationBytes = (uint)continuation.Length;
        var slots = new Payment[1 + command.ContinuationSlots];
        slots[0] = Slot(command);
        continuation.CopyTo(MemoryMarshal.AsBytes(slots.AsSpan(1)));
        return slots;
    }

    public static Payment Setting(SettingKey key, ulong value) =>
        Slot(new ControlCommand { Instruction = Instruction.SetSetting, Subject = (ulong)key, Value = value });

    public static Payment Pay(ulong payer, ulong payee, ulong amount, ulong stream, ulong number) => new()
    {
        IdHigh = stream, IdLow = number, Payer = payer, Payee = payee, Amount = amount, Currency = Euro,
        Instruction = Instruction.Micropayment, Flags = PaymentFlags.StreamId, Session = Limits.OperatorSession,
    };

    /// <summary>Two participants, the euro, and wallets from 1 on with 1,000,000.00 each.</summary>
    public void SetUp(int wallets)
    {
        var slots = new List<Payment>();
        for (ushort participant = 1; participant <= 2; participant++)
        {
            var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = participant };
            declare.SetName($"bank {participant}");
            slots.Add(Slot(declare));
        }

        slots.Add(Slot(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = Euro, Scale = 2 }));
        for (int wallet = 1; wallet <= wallets; wallet++)
        {
            slots.Add(Slot(new ControlCommand
            {
                Instruction = Instruction.OpenWallet, Subject = (ulong)wallet, Participant = (ushort)(1 + (wallet % 2)), Country = 276, Currency = Euro,
            }));
        }

        for (int wallet = 1; wallet <= wallets; wallet++)
        {
            slots.Add(new Payment
            {
                IdHigh = Limits.OpeningIdHigh | Euro, IdLow = (ulong)wallet, Payee = (ulong)wallet, Amount = 100_000_000, Currency = Euro,
                Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Limits.OperatorSession,
            });
        }

        Submit(CollectionsMarshal.AsSpan(slots));
        Node.Pipeline.Drain();
        Assert.That(Outcomes.Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));
    }

    /// <summary>One claim. Any thread.</summary>
    public void Submit(ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence = default)
    {
        long first = Node.Pipeline.Claim(slots.Length);
        for (int done = 0; done < slots.Length;)
        {
            Span<Payment> ring = Node.Pipeline.Slots(first + done, slots.Length - done, out Span<ulong> tags);
            slots.Slice(done, ring.Length).CopyTo(ring);
            for (int i = 0; i < ring.Length; i++)
                tags[i] = (ulong)(first + done + i);
            done += ring.Length;
        }

        Node.Pipeline.Publish(first, slots.Length, evidence);
    }

    /// <summary>Closes the node where it is, and opens its journal again.</summary>
    public void Reopen()
    {
        Close();
        Open();
    }

    public void Close()
    {
        _node?.Dispose();
        _node = null;
    }

    /// <summary>Replays the closed node's journal: every outcome that was told is the replay's, and so is every batch.</summary>
    public BlockReplay ReplayAndCompare(out List<ClosedBatch> closed, out List<BlockHeader> headers, string? archive = null)
    {
        var outcomes = new List<Outcome>();
        var batches = new List<ClosedBatch>();
        var seen = new List<BlockHeader>();
        var replay = new BlockReplay(genesis => new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, new MemoryIdStore()))
        {
            Closed = batches.Add,
        };
        using (JournalReader reader = archive is null ? JournalReader.Open(_folder) : JournalReader.OpenWith(_folder, archive))
        {
            while (reader.Next())
            {
                seen.Add(reader.Header);
                replay.Apply(reader.Header, reader.Body);
                outcomes.AddRange(replay.Outcomes);
            }

            Assert.That(reader.End!.Kind, Is.Not.EqualTo(JournalEndKind.Damage), reader.End.What);
        }

        Assert.That(_outcomes, Has.Count.LessThanOrEqualTo(outcomes.Count));
        for (int i = 0; i < _outcomes.Count; i++)
        {
            if (_untold.Contains(i))
                continue;
            if ((_outcomes[i].Verdict, _outcomes[i].First, _outcomes[i].Batch, _outcomes[i].Available, _outcomes[i].Rule)
                != (outcomes[i].Verdict, outcomes[i].First, outcomes[i].Batch, outcomes[i].Available, outcomes[i].Rule))
                Assert.Fail($"sequence {i + 1}: told {_outcomes[i].Verdict} in batch {_outcomes[i].Batch}, the replay gives {outcomes[i].Verdict} in {outcomes[i].Batch}");
        }

        foreach (ClosedBatch batch in _batches)
            Assert.That(batches[(int)batch.Number - 1].Encode(), Is.EqualTo(batch.Encode()), $"batch {batch.Number}");
        replay.State.VerifyConservation();
        (closed, headers) = (batches, seen);
        return replay;
    }

    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
    {
        if (firstSequence != (ulong)_outcomes.Count + 1)
            throw new InvalidOperationException($"sequence {firstSequence} is told after {_outcomes.Count}");
        for (int i = 0; i < slots.Length; i++)
        {
            if (tags[i] != Pipeline.OwnTag && tags[i] + FirstSequence != firstSequence + (ulong)i)
                throw new InvalidOperationException($"the tag {tags[i]} comes back beside sequence {firstSequence + (ulong)i}");
        }

        _outcomes.AddRange(outcomes);
        if (ReplyDelayMs > 0)
            Thread.Sleep(ReplyDelayMs);
    }

    public void OnClosed(ClosedBatch batch) => _batches.Add(batch);

    public void Dispose() => Close();

    public static ECParameters NewKey()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return pair.ExportParameters(includePrivateParameters: true);
    }

    public static NodeKey PublicOf(ECParameters key)
    {
        using ECDsa pair = ECDsa.Create(key);
        return NodeKey.Of(pair);
    }

    private void Open()
    {
        _node = Node.Open(_folder, new NodeOptions
        {
            Pipeline = new PipelineOptions { Clock = Clock, RingSlots = RingSlots },
            Journal = _journal,
            Snapshots = _snapshots,
            IdMemoryBytes = Deduplicator.IdMemoryBytesMin,
            Create = (7, _genesis with { NodeKey = Key is { } founding ? PublicOf(founding) : default }),
            Signer = _ => Key is { } pair ? new SealSigner(ECDsa.Create(pair)) : null,
        }, this, this);
        FirstSequence = _node.State.Sequence + 1;
        // What was journaled and not told before the close: its outcome is in nobody's hands.
        while ((ulong)_outcomes.Count + 1 < FirstSequence)
        {
            _untold.Add(_outcomes.Count);
            _outcomes.Add(default);
        }
    }
}
