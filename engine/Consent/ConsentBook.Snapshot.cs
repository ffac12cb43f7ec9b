using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Consent;

/// <summary>The book in a snapshot: everything in an order of its own, so that one state has one encoding.</summary>
public sealed partial class ConsentBook
{
    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)_sessionKeys.Count);
        foreach (RegisteredKey key in _sessionKeys.Values.OrderBy(key => key.RegisteredSequence))
            Save(writer, key);
        writer.Write((ulong)_wallets.Count);
        foreach (WalletConsent wallet in _wallets.Values.OrderBy(wallet => wallet.Wallet))
        {
            writer.Write<ulong>([wallet.Wallet, wallet.Counter, (ulong)wallet.Policy, wallet.SignaturesAbove, wallet.Threshold, (ulong)wallet.Keys.Count]);
            foreach (RegisteredKey key in wallet.Keys)
                Save(writer, key);
        }

        writer.Write((ulong)_mandates.Count);
        foreach ((MandateKey key, ulong until) in _mandates.OrderBy(mandate => mandate.Key.Wallet).ThenBy(mandate => mandate.Key.Participant))
            writer.Write<ulong>([key.Wallet, key.Participant, until]);
        writer.Write((ulong)_chains.Count);
        foreach (PayChain chain in ChainsByOpening())
        {
            writer.Write<byte>(chain.Commitment.Encode());
            writer.Write<ulong>([chain.OpenedSequence, chain.Last, chain.Spent, (ulong)chain.Signers.Count]);
            writer.Write(chain.Link);
            foreach (ushort signer in chain.Signers)
                writer.Write(signer);
        }
    }

    /// <summary>Into an empty book.</summary>
    /// <exception cref="SnapshotException">It holds what no book can.</exception>
    public void Load(SnapshotReader reader)
    {
        for (int count = reader.ReadCount(ConsentBounds.KeysMax, "keys of sessions"); count > 0; count--)
        {
            RegisteredKey key = LoadKey(reader, 0);
            reader.Expect(_sessionKeys.TryAdd(key.Id, key), "a session's key stands there twice");
        }

        for (int count = reader.ReadCount(ConsentBounds.KeysMax, "wallets with keys"); count > 0; count--)
            LoadWallet(reader);
        for (int count = reader.ReadCount(ConsentBounds.MandatesMax, "mandates"); count > 0; count--)
        {
            ulong wallet = reader.Read<ulong>();
            ulong participant = reader.Read<ulong>();
            reader.Expect(participant <= ushort.MaxValue && _mandates.TryAdd(new MandateKey(wallet, (ushort)participant), reader.Read<ulong>()), "a mandate cannot be");
        }

        for (int count = reader.ReadCount(ConsentBounds.ChainsMax, "chains"); count > 0; count--)
            LoadChain(reader);
    }

    /// <summary>Whether what account rows say of policies is what the book says.</summary>
    internal void CheckRow(SnapshotReader reader, in AccountRow row) =>
        reader.Expect(row.Policy == (FindWallet(row.Wallet)?.Policy ?? ConsentPolicy.Custodial), $"the policy of wallet {row.Wallet} is another in its account");

    private static void Save(SnapshotWriter writer, RegisteredKey key)
    {
        writer.Write(key.Id);
        writer.Write<ulong>([key.Owner, (ulong)key.Scheme, key.RegisteredSequence, key.RevokedSequence, (ulong)key.Spki.Length]);
        writer.Write<byte>(key.Spki);
    }

    private RegisteredKey LoadKey(SnapshotReader reader, ushort number)
    {
        KeyId id = reader.Read<KeyId>();
        ulong owner = reader.Read<ulong>();
        ulong scheme = reader.Read<ulong>();
        ulong registered = reader.Read<ulong>();
        ulong revoked = reader.Read<ulong>();
        var spki = new byte[reader.ReadCount(PublicKeyForm.BytesMax, "bytes of a key")];
        reader.Read<byte>(spki);
        var key = new RegisteredKey
        {
            Id = id, Scheme = (SignatureScheme)scheme, Owner = owner, Number = number, Spki = spki, RegisteredSequence = registered, RevokedSequence = revoked,
        };
        _keyCount++;
        _keyBytes += spki.Length;
        reader.Expect(key.IsRevoked ? spki.Length == 0 : PublicKeyForm.IsOf(key.Scheme, spki), $"key {id} has not the form of its scheme");
        return key;
    }

    private void LoadWallet(SnapshotReader reader)
    {
        var wallet = new WalletConsent { Wallet = reader.Read<ulong>() };
        wallet.Counter = reader.Read<ulong>();
        ulong policy = reader.Read<ulong>();
        ulong signatures = reader.Read<ulong>();
        wallet.Threshold = reader.Read<ulong>();
        reader.Expect(policy <= (ulong)ConsentPolicy.Last && signatures <= ConsentBounds.WalletKeysMax, $"the policy of wallet {wallet.Wallet} cannot be");
        (wallet.Policy, wallet.SignaturesAbove) = ((ConsentPolicy)policy, (byte)signatures);
        for (int number = 1, keys = reader.ReadCount(ConsentBounds.WalletKeyNumberMax, "keys of a wallet"); number <= keys; number++)
        {
            RegisteredKey key = LoadKey(reader, (ushort)number);
            reader.Expect(key.Owner == wallet.Wallet, $"key {key.Id} is not of wallet {wallet.Wallet}");
            wallet.Add(key);
        }

        reader.Expect(_wallets.TryAdd(wallet.Wallet, wallet), $"wallet {wallet.Wallet} stands there twice");
    }

    private void LoadChain(SnapshotReader reader)
    {
        var encoded = new byte[ChainCommitment.Size];
        reader.Read<byte>(encoded);
        var payload = new PayloadReader(encoded);
        ChainCommitment commitment = ChainCommitment.Read(ref payload);
        ulong opened = reader.Read<ulong>();
        ulong last = reader.Read<ulong>();
        ulong spent = reader.Read<ulong>();
        var signers = new ushort[reader.ReadCount(ConsentBounds.WalletKeysMax, "signers of a chain")];
        var chain = new PayChain { Commitment = commitment, Signers = signers, OpenedSequence = opened, Last = (uint)last, Spent = spent, Link = reader.Read<Digest>() };
        reader.Read<ushort>(signers);
        reader.Expect(last <= commitment.Length && spent <= commitment.Ceiling && !_chains.ContainsKey(chain.Key), $"a chain of wallet {commitment.Wallet} cannot be");
        // Not written: it follows from the keys, which stand before.
        chain.IsEnded = _wallets.TryGetValue(commitment.Wallet, out WalletConsent? wallet) && signers.Any(signer => wallet.Find(signer) is null);
        OpenChain(chain);
    }
}
