using System.Runtime.InteropServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Consent;

// Purpose: what the ledger remembers of keys, consent and chains.
// All written by: settle thread, through ConsentBook.

/// <summary>A public key of a session or of a wallet's owner. It is remembered for ever, so that a revoked one never comes back.</summary>
public sealed class RegisteredKey
{
    public required KeyId Id { get; init; }

    public required SignatureScheme Scheme { get; init; }

    /// <summary>The session's index, or the wallet.</summary>
    public required ulong Owner { get; init; }

    /// <summary>A wallet's keys are numbered from 1; 0: a session's key.</summary>
    public required ushort Number { get; init; }

    /// <summary>In its form (<see cref="PublicKeyForm"/>); empty once it is revoked.</summary>
    public byte[] Spki { get; internal set; } = [];

    public required ulong RegisteredSequence { get; init; }

    /// <summary>0: it is not.</summary>
    public ulong RevokedSequence { get; internal set; }

    public bool IsRevoked => RevokedSequence != 0;
}

/// <summary>A wallet that has, or had, keys: how its owner consents.</summary>
public sealed class WalletConsent
{
    private readonly List<RegisteredKey> _keys = [];

    public required ulong Wallet { get; init; }

    /// <summary>Commands about the wallet (156, 157, 159, 160) that were accepted since its first key: what the next one's signatures name.</summary>
    public ulong Counter { get; internal set; }

    public ConsentPolicy Policy { get; internal set; }

    /// <summary>Signatures that an amount above the threshold needs, and a command; 0 for a custodial wallet.</summary>
    public byte SignaturesAbove { get; internal set; }

    /// <summary>Up to this amount one signature is enough.</summary>
    public ulong Threshold { get; internal set; }

    /// <summary>By number, from 1, revoked ones included.</summary>
    public IReadOnlyList<RegisteredKey> Keys => _keys;

    /// <summary>Signatures that this much needs, where signatures are asked for.</summary>
    public int SignaturesFor(ulong amount) => amount > Threshold ? SignaturesAbove : 1;

    /// <summary>The key of that number that is not revoked; null: there is none.</summary>
    public RegisteredKey? Find(ulong number) =>
        number - 1 < (ulong)_keys.Count && _keys[(int)number - 1] is { IsRevoked: false } key ? key : null;

    public int KeysInForce()
    {
        int count = 0;
        foreach (RegisteredKey key in _keys)
            count += key.IsRevoked ? 0 : 1;
        return count;
    }

    internal void Add(RegisteredKey key) => _keys.Add(key);
}

/// <summary>Where a chain is found: who redeems it, in which stream, from which wallet.</summary>
public readonly record struct ChainKey(ushort Participant, ulong Stream, ulong Wallet);

/// <summary>A chain that a wallet's owner committed to, and how far it was revealed and spent.</summary>
public sealed class PayChain
{
    public required ChainCommitment Commitment { get; init; }

    /// <summary>Numbers of the wallet's keys that signed the commitment: with the first of them that is revoked the chain is over.</summary>
    public required IReadOnlyList<ushort> Signers { get; init; }

    public required ulong OpenedSequence { get; init; }

    /// <summary>A key that signed it was revoked: it pays no more.</summary>
    public bool IsEnded { get; internal set; }

    /// <summary>Number of the last link known; 0: the end itself.</summary>
    public uint Last { get; internal set; }

    /// <summary>The link of that number.</summary>
    public Digest Link { get; internal set; }

    /// <summary>Amounts of accepted payments; at most the ceiling.</summary>
    public ulong Spent { get; internal set; }

    public ChainKey Key => new(Commitment.Participant, Commitment.Stream, Commitment.Wallet);

    /// <summary>What stands for how far it is, in the state hash: two terms, so that links and amounts do not make up for each other.</summary>
    internal StateSum Fold()
    {
        ulong key = StateSum.KeyOf(Commitment.Stream, Commitment.Wallet, Commitment.Participant);
        Digest last = Link;
        ulong link = MemoryMarshal.Read<ulong>(last);
        StateSum sum = StateSum.Of(StateSum.KeyOf(Spent, key, 1), 1, Verdict.Undecided);
        sum.Add(StateSum.Of(StateSum.KeyOf(link, key + Last, 2), 2, Verdict.Undecided));
        return sum;
    }
}
