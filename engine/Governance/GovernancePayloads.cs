using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Governance;

// Purpose: what commands 146..155 say: records that a program builds, signs and encodes, and that the ledger decodes again.
// Invariant: canonical. TryDecode gives what Encode was given, from these bytes and no others. The command itself carries its instruction, its
//   session and the continuation's length; every other field of its 64 bytes is zero.
// Failure assumed: bytes of a client may be anything; they end in `false`.
// Names begin with what they say, offsets are in bytes; texts stand as a length of one byte and UTF-8 (pictured `n|text`).

/// <summary>What a proposal asks for. Numbers are journaled.</summary>
public enum ProposalKind : byte
{
    None = 0,

    /// <summary>A new version of a module.</summary>
    Text = 1,

    /// <summary>A treaty between modules, or a new version of it.</summary>
    Treaty = 2,

    /// <summary>An earlier version of a module or treaty once more; its text comes along, and must be that version's.</summary>
    Rollback = 3,

    /// <summary>One more voting device for a module.</summary>
    AdmitDevice = 4,

    /// <summary>A module back to its last good version, at once, by the emergency quorum.</summary>
    Emergency = 5,
}

/// <summary>When a change comes into force. Numbers are journaled.</summary>
public enum PointKind : byte
{
    /// <summary>With the command that says so.</summary>
    Now = 0,

    /// <summary>The payment of that sequence is the first that it judges.</summary>
    Sequence = 1,

    /// <summary>From the first block of that time (ns since the epoch) or later.</summary>
    Time = 2,
}

public readonly record struct ActivationPoint(PointKind Kind, ulong Value)
{
    public static ActivationPoint Now => default;

    public static ActivationPoint AtSequence(ulong sequence) => new(PointKind.Sequence, sequence);

    public static ActivationPoint AtTime(ulong timeNs) => new(PointKind.Time, timeNs);

    internal bool IsWellFormed => Kind == PointKind.Now ? Value == 0 : Kind is PointKind.Sequence or PointKind.Time;
}

/// <summary>An operator founds a module: so many of its devices must agree to a change, of so many makers.</summary>
/// <remarks><code>
///   0       2       4       6
///   | quorum| makers| emerg.| n|name |
/// </code></remarks>
public sealed record ModuleFounding(string Name, ushort Quorum, ushort Makers, ushort EmergencyQuorum)
{
    public byte[] Encode() => new PayloadWriter().UInt16(Quorum).UInt16(Makers).UInt16(EmergencyQuorum).Text(Name).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ModuleFounding? founding)
    {
        var reader = new PayloadReader(bytes);
        (ushort quorum, ushort makers, ushort emergency) = (reader.UInt16(), reader.UInt16(), reader.UInt16());
        founding = new ModuleFounding(reader.Text(), quorum, makers, emergency);
        return reader.IsWhole && GovernanceText.IsName(founding.Name);
    }
}

/// <summary>An operator registers a voting device for a module that is still to be founded.</summary>
/// <remarks><code>
///   0                               64
///   | public key, P-256: X and Y    | n|module | n|maker |
/// </code></remarks>
public sealed record DeviceRegistration(NodeKey Key, string Module, string Maker)
{
    public byte[] Encode() => new PayloadWriter().Bytes(Key).Text(Module).Text(Maker).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out DeviceRegistration? registration)
    {
        var reader = new PayloadReader(bytes);
        NodeKey key = NodeKey.From(reader.Bytes(NodeKey.Size));
        registration = new DeviceRegistration(key, reader.Text(), reader.Text());
        return reader.IsWhole && GovernanceText.IsName(registration.Module) && GovernanceText.IsMaker(registration.Maker);
    }
}

/// <summary>An operator revokes a device: from here on it votes no more, and what it voted for proposals not yet scheduled does not count.</summary>
/// <remarks><code>
///   0               16
///   | device        |
/// </code></remarks>
public sealed record DeviceRevocation(KeyId Device)
{
    public byte[] Encode() => new PayloadWriter().Bytes(Device).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out DeviceRevocation? revocation)
    {
        var reader = new PayloadReader(bytes);
        revocation = new DeviceRevocation(KeyId.From(reader.Bytes(KeyId.Size)));
        return reader.IsWhole;
    }
}

/// <summary>What is proposed, without who proposes it: votes name the hash of this.</summary>
/// <param name="Kind">What is asked for.</param>
/// <param name="Name">Of the module or treaty.</param>
/// <param name="Version">Of the text; 0 for <see cref="ProposalKind.AdmitDevice"/> and <see cref="ProposalKind.Emergency"/>.</param>
/// <param name="Content">The text's UTF-8; for a device its key and <c>n|maker</c>; empty for an emergency.</param>
public sealed record ProposalPayload(ProposalKind Kind, string Name, uint Version, byte[] Content)
{
    public static ProposalPayload OfText(string name, uint version, string text) => new(ProposalKind.Text, name, version, Encoding.UTF8.GetBytes(text));

    public static ProposalPayload OfTreaty(string name, uint version, string text) => new(ProposalKind.Treaty, name, version, Encoding.UTF8.GetBytes(text));

    public static ProposalPayload OfRollback(string name, uint version, string text) => new(ProposalKind.Rollback, name, version, Encoding.UTF8.GetBytes(text));

    public static ProposalPayload OfDevice(string module, NodeKey key, string maker) =>
        new(ProposalKind.AdmitDevice, module, 0, new PayloadWriter().Bytes(key).Text(maker).ToArray());

    public static ProposalPayload OfEmergency(string module) => new(ProposalKind.Emergency, module, 0, []);

    /// <summary>Whether there is a text, which is checked.</summary>
    public bool HasText => Kind is ProposalKind.Text or ProposalKind.Treaty or ProposalKind.Rollback;

    /// <summary>SHA-256 of: kind 1 | version 4 | n|name | content.</summary>
    public Digest Hash() => Digest.From(SHA256.HashData(
        new PayloadWriter().Byte((byte)Kind).UInt32(Version).Text(Name).Bytes(Content).ToArray()));

    public bool TryReadDevice(out NodeKey key, out string maker)
    {
        var reader = new PayloadReader(Content);
        key = NodeKey.From(reader.Bytes(NodeKey.Size));
        maker = reader.Text();
        return reader.IsWhole && GovernanceText.IsMaker(maker);
    }

    internal bool IsWellFormed => GovernanceText.IsName(Name) && Kind switch
    {
        ProposalKind.Text or ProposalKind.Treaty or ProposalKind.Rollback => Version != 0 && Content.Length is > 0 and <= GovernanceBounds.TextBytesMax,
        ProposalKind.AdmitDevice => Version == 0 && TryReadDevice(out _, out _),
        ProposalKind.Emergency => Version == 0 && Content.Length == 0,
        _ => false,
    };
}

/// <summary>A device proposes.</summary>
/// <remarks><code>
///   0   1       4       8               24                              88
///   |kin| zero  |version| device        | signature                     | n|name | content …
/// </code></remarks>
public sealed record ProposalCommand(ProposalPayload Payload, KeyId Device, SignatureP256 Signature)
{
    public byte[] Encode() => new PayloadWriter().Byte((byte)Payload.Kind).Bytes([0, 0, 0]).UInt32(Payload.Version).Bytes(Device).Bytes(Signature)
        .Text(Payload.Name).Bytes(Payload.Content).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ProposalCommand? command)
    {
        var reader = new PayloadReader(bytes);
        var kind = (ProposalKind)reader.Byte();
        reader.Zero(3);
        uint version = reader.UInt32();
        KeyId device = KeyId.From(reader.Bytes(KeyId.Size));
        SignatureP256 signature = SignatureP256.From(reader.Bytes(SignatureP256.Size));
        string name = reader.Text();
        command = new ProposalCommand(new ProposalPayload(kind, name, version, reader.Rest()), device, signature);
        return reader.IsWhole && command.Payload.IsWellFormed;
    }
}

/// <summary>An operator records what a proposal would have changed: the hash of a what-if's report over a range of the journal.</summary>
/// <remarks><code>
///   0               8               16              24                              56
///   | proposal      | first sequence| last sequence | SHA-256 of the report         |
/// </code></remarks>
public sealed record SandboxRecord(ulong Proposal, ulong FirstSequence, ulong LastSequence, Digest Report)
{
    public byte[] Encode() => new PayloadWriter().UInt64(Proposal).UInt64(FirstSequence).UInt64(LastSequence).Bytes(Report).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SandboxRecord? record)
    {
        var reader = new PayloadReader(bytes);
        (ulong proposal, ulong first, ulong last) = (reader.UInt64(), reader.UInt64(), reader.UInt64());
        record = new SandboxRecord(proposal, first, last, Digest.From(reader.Bytes(32)));
        return reader.IsWhole && first is > 0 && first <= last;
    }
}

/// <summary>A device votes.</summary>
/// <remarks><code>
///   0               8                               40              56                              120 121
///   | proposal      | hash of its payload           | device        | signature                     |yes|
/// </code></remarks>
public sealed record VoteCommand(ulong Proposal, Digest PayloadHash, bool IsYes, KeyId Device, SignatureP256 Signature)
{
    public byte[] Encode() =>
        new PayloadWriter().UInt64(Proposal).Bytes(PayloadHash).Bytes(Device).Bytes(Signature).Flag(IsYes).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out VoteCommand? vote)
    {
        var reader = new PayloadReader(bytes);
        ulong proposal = reader.UInt64();
        Digest hash = Digest.From(reader.Bytes(32));
        KeyId device = KeyId.From(reader.Bytes(KeyId.Size));
        SignatureP256 signature = SignatureP256.From(reader.Bytes(SignatureP256.Size));
        vote = new VoteCommand(proposal, hash, reader.Flag(), device, signature);
        return reader.IsWhole;
    }
}

/// <summary>An operator says when a proposal that has its votes comes into force.</summary>
/// <remarks><code>
///   0               8                               40  41              49
///   | proposal      | hash of its payload           |knd| sequence, time|
/// </code></remarks>
public sealed record ScheduleCommand(ulong Proposal, Digest PayloadHash, ActivationPoint Point)
{
    public byte[] Encode() =>
        new PayloadWriter().UInt64(Proposal).Bytes(PayloadHash).Byte((byte)Point.Kind).UInt64(Point.Value).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ScheduleCommand? schedule)
    {
        var reader = new PayloadReader(bytes);
        ulong proposal = reader.UInt64();
        Digest hash = Digest.From(reader.Bytes(32));
        schedule = new ScheduleCommand(proposal, hash, new ActivationPoint((PointKind)reader.Byte(), reader.UInt64()));
        return reader.IsWhole && schedule.Point.IsWellFormed && schedule.Point.Kind != PointKind.Now;
    }
}

/// <summary>A currency's authority says what a rate or an index is, in units of 10^-9; 0: it has no value any more.</summary>
/// <remarks><code>
///   0       2               10  11              19
///   | ccy   | value         |knd| sequence, time| n|name |
/// </code></remarks>
public sealed record ParameterCommand(ushort Currency, string Name, ulong Value, ActivationPoint Point)
{
    public byte[] Encode() =>
        new PayloadWriter().UInt16(Currency).UInt64(Value).Byte((byte)Point.Kind).UInt64(Point.Value).Text(Name).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ParameterCommand? parameter)
    {
        var reader = new PayloadReader(bytes);
        ushort currency = reader.UInt16();
        ulong value = reader.UInt64();
        var point = new ActivationPoint((PointKind)reader.Byte(), reader.UInt64());
        parameter = new ParameterCommand(currency, reader.Text(), value, point);
        return reader.IsWhole && point.IsWellFormed && GovernanceText.IsParameter(parameter.Name);
    }
}

/// <summary>The node that leads says what it built for rules to come.</summary>
/// <param name="Laws">Hash of the rule set (<see cref="LawInputs"/>).</param>
/// <param name="Day">The day it was built for.</param>
/// <param name="IsFine">Whether there is a plan that agrees with the reference.</param>
/// <param name="Table">Hash of its rule table; zero where there is none.</param>
/// <remarks><code>
///   0                               32      36  37                              69
///   | rule set                      | day   |ok | rule table                    |
/// </code></remarks>
public sealed record PlanAttestation(Digest Laws, int Day, bool IsFine, Digest Table)
{
    public byte[] Encode() => new PayloadWriter().Bytes(Laws).UInt32((uint)Day).Flag(IsFine).Bytes(Table).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out PlanAttestation? attestation)
    {
        var reader = new PayloadReader(bytes);
        Digest laws = Digest.From(reader.Bytes(32));
        (uint day, bool fine) = (reader.UInt32(), reader.Flag());
        attestation = new PlanAttestation(laws, (int)day, fine, Digest.From(reader.Bytes(32)));
        return reader.IsWhole && day <= int.MaxValue && (fine || attestation.Table == default);
    }
}

/// <summary>A reviewer's device decides about a held payment.</summary>
/// <param name="Id">Of this decision: a repeat is known by it.</param>
/// <param name="Participant">Under which the held payment is kept (SEMANTICS, the key of a hold).</param>
/// <param name="Target">Its id.</param>
/// <param name="Releases">It goes on to where it was going; else it goes back to the payer.</param>
/// <param name="Device">Of the module whose statement held it.</param>
/// <param name="Signature">Over <see cref="GovernanceMessage.OfDecision"/>.</param>
/// <param name="Reason">Why: what the payer is told, and what an appeal is about.</param>
/// <remarks><code>
///   0               16  18              34              50                              114 115
///   | id            |par| target        | device        | signature                     |rel| reason, to the end |
/// </code></remarks>
public sealed record ReviewDecision(UInt128 Id, ushort Participant, UInt128 Target, bool Releases, KeyId Device, SignatureP256 Signature, string Reason)
{
    public byte[] Encode() => new PayloadWriter().UInt128(Id).UInt16(Participant).UInt128(Target).Bytes(Device).Bytes(Signature).Flag(Releases)
        .Bytes(Encoding.UTF8.GetBytes(Reason)).ToArray();

    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ReviewDecision? decision)
    {
        var reader = new PayloadReader(bytes);
        UInt128 id = reader.UInt128();
        ushort participant = reader.UInt16();
        UInt128 target = reader.UInt128();
        KeyId device = KeyId.From(reader.Bytes(KeyId.Size));
        SignatureP256 signature = SignatureP256.From(reader.Bytes(SignatureP256.Size));
        bool releases = reader.Flag();
        byte[] reason = reader.Rest();
        decision = new ReviewDecision(id, participant, target, releases, device, signature, reader.Utf8(reason));
        return reader.IsWhole && id != 0 && reason.Length <= GovernanceBounds.ReasonBytesMax;
    }
}
