using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Init;

/// <summary>A ledger that is to be, or has been, created.</summary>
/// <param name="KeyPath">File of the node's private key.</param>
/// <param name="KeyMade">Whether it was made for this ledger; else it was there before.</param>
internal sealed record FoundedLedger(UInt128 LedgerId, Genesis Genesis, string KeyPath, bool KeyMade, string PublicKeyPath);

/// <summary>
/// Founds ledgers, for every verb that may create one: draws id and salt key, has the node's key made, and puts both into the genesis. Also says
/// where an existing ledger's node finds its key.
/// </summary>
/// <remarks>
/// The key is durable before the journal exists: cut short, the next attempt finds a whole key, which no ledger needs yet, and uses it.
/// </remarks>
internal static class LedgerFounding
{
    public const int AccountsMaxDefault = 1 << 22;

    /// <summary>How a journal that is there is opened.</summary>
    /// <param name="options">All but the key.</param>
    /// <param name="journal">Its directory.</param>
    /// <param name="keyFile">Of the node's private key; null: beside the journal.</param>
    /// <param name="keyOption">With which the command line names it.</param>
    public static NodeOptions Open(NodeOptions options, string journal, string? keyFile, string keyOption) =>
        options with { Signer = key => NodeKeyFile.Open(KeyPathOf(journal, keyFile), journal, key, keyOption) };

    /// <summary>How the journal is opened, or created if it is not there.</summary>
    /// <exception cref="UsageException">A new ledger's key cannot be made or used.</exception>
    /// <exception cref="JournalException">The journal is of a newer format.</exception>
    public static NodeOptions OpenOrFound(NodeOptions options, string journal, string? keyFile, int accountsMax)
    {
        options = Open(options, journal, keyFile, NodeKeyFile.Option);
        if (FasterJournal.Exists(journal))
            return options;
        FoundedLedger founded = Prepare(journal, keyFile, accountsMax);
        return options with { Create = (founded.LedgerId, founded.Genesis) };
    }

    /// <summary>Creates a ledger's journal, which ends with its genesis block.</summary>
    /// <exception cref="UsageException">There is a journal already, or the key cannot be made or used.</exception>
    /// <exception cref="JournalException">The directory cannot be used.</exception>
    public static FoundedLedger Found(string journal, string? keyFile, int accountsMax, BlockClock clock)
    {
        if (FasterJournal.Exists(journal))
            throw new UsageException($"There is a journal in '{journal}' already. Use it as it is, or name another directory.");
        FoundedLedger founded = Prepare(journal, keyFile, accountsMax);
        Genesis genesis = founded.Genesis;
        FasterJournal.Create(journal, founded.LedgerId, clock.NowNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis))).Dispose();
        return founded;
    }

    private static string KeyPathOf(string journal, string? keyFile) => keyFile ?? Path.Combine(journal, NodeKeyFile.PrivateName);

    private static FoundedLedger Prepare(string journal, string? keyFile, int accountsMax)
    {
        if (File.Exists(journal))
            throw new UsageException($"'{journal}' is a file; the journal's directory is expected.");
        string keyPath = KeyPathOf(journal, keyFile);
        Directory.CreateDirectory(journal);
        NodeKey key = NodeKeyFile.OpenOrMake(keyPath, out bool made);
        string publicPath = NodeKeyFile.WritePublic(journal, key);
        Span<byte> drawn = stackalloc byte[16 + 32];
        RandomNumberGenerator.Fill(drawn);
        Genesis genesis = Genesis.Default(Digest.From(drawn[16..])) with { AccountsMax = accountsMax, NodeKey = key };
        UInt128 ledgerId = MemoryMarshal.Read<UInt128>(drawn);
        CryptographicOperations.ZeroMemory(drawn);
        return new FoundedLedger(ledgerId, genesis, keyPath, made, publicPath);
    }
}
