namespace Settlement.Engine.Domain;

/// <summary>For whom a public key speaks. Numbers are journaled.</summary>
public enum KeyRole : byte
{
    None = 0,

    /// <summary>Who shows it acts as a session.</summary>
    Session = 1,

    /// <summary>It is a wallet owner's, and signs for the wallet.</summary>
    Wallet = 2,
}

/// <summary>How a wallet's owner consents to what is taken from it. Numbers are journaled.</summary>
public enum ConsentPolicy : byte
{
    /// <summary>The wallet's participant answers for it.</summary>
    Custodial = 0,

    /// <summary>Each payment carries signatures of the wallet's keys.</summary>
#pragma warning disable CA1720 // the participle, not the type of number
    Signed = 1,
#pragma warning restore CA1720

    /// <summary>The owner signs once a commitment to a chain of SHA-256 values, and each payment reveals the next (PayWord).</summary>
    Stream = 2,

    /// <summary>The highest number in use.</summary>
    Last = Stream,
}

/// <summary>A signature of one of a wallet's keys over a command about the wallet.</summary>
/// <param name="Key">The key's number in the wallet, from 1.</param>
/// <param name="Signature">In the key's scheme.</param>
public sealed record OwnerSignature(ushort Key, byte[] Signature);

/// <summary>Every bound of keys, mandates and consent, with its sum. Past one, a command is refused; nothing grows without end.</summary>
public static class ConsentBounds
{
    /// <summary>Keys of all time, of sessions and wallets together: each is remembered, so that a revoked one never comes back. 200 bytes each.</summary>
    public const int KeysMax = 1 << 20;

    /// <summary>Bytes of all keys that are not revoked: a million of P-256, or a hundred thousand of ML-DSA-65.</summary>
    public const int KeyBytesSumMax = 256 * 1024 * 1024;

    /// <summary>Keys of one wallet that are not revoked at one time; signatures that one command or payment can need.</summary>
    public const int WalletKeysMax = 16;

    /// <summary>Numbers of one wallet's keys, revoked ones included.</summary>
    public const int WalletKeyNumberMax = ushort.MaxValue;

    /// <summary>Mandates in force: 32 bytes each and their index.</summary>
    public const int MandatesMax = 1 << 20;

    /// <summary>Chains that are open, or over and not yet forgotten: 160 bytes each, 10 MiB.</summary>
    public const int ChainsMax = 1 << 16;

    /// <summary>Links of one chain.</summary>
    public const uint ChainLengthMax = 1 << 30;

    /// <summary>How far a link may lie ahead of the last one known: what checking it costs at most, in hashes. A stream goes no further ahead, either.</summary>
    public const uint LinkStepMax = Limits.StreamWindow;
}
