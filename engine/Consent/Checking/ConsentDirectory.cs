using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Consent.Checking;

/// <summary>
/// Which keys wallets have and which chains are open, as the settle thread last said, for threads that check evidence before it is journaled.
/// </summary>
/// <remarks>
/// What is not known is asked for (<see cref="IConsentReader"/>), also that there is nothing. Accepted commands that change an answer make it forgotten
/// (<see cref="OnSettled"/>), on the reply thread, before the command's sender hears of it. An answer that was asked for before such a command was seen is used once and not kept: a
/// stripe of versions tells.
/// A stale view costs a refusal and gives nothing away: a wallet's key keeps its number for ever, a link names the chain it was checked against, and the settle thread looks both up
/// again.
/// Bounds: <see cref="WalletsMax"/> and <see cref="ChainsMax"/>; a full table is forgotten as a whole, and what is still used is asked for again.
/// Any thread.
/// </remarks>
public sealed class ConsentDirectory
{
    /// <summary>With an opened key each, about 50 MB outside the managed heap.</summary>
    internal const int WalletsMax = 1 << 14;

    /// <summary>Twice what a ledger may have open: what is not there is remembered, too.</summary>
    internal const int ChainsMax = 2 * ConsentBounds.ChainsMax;

    private const int Stripes = 1_024;

    private readonly IConsentReader _reader;
    private readonly ConcurrentDictionary<ulong, WalletView> _wallets;
    private readonly ConcurrentDictionary<ChainKey, ChainView> _chains;
    private readonly Comparer _comparer = new();
    private readonly object _gate = new();
    private readonly int[] _versions = new int[Stripes]; // written by: reply thread, holding the gate
    private int _walletCount; // written by: holders of the gate
    private int _chainCount; // written by: holders of the gate
    private Instruction _begun; // a command whose continuation comes with the next slot; written by: reply thread
    private int _skip; // slots of a continuation that are still to come; written by: reply thread

    public ConsentDirectory(IConsentReader reader)
    {
        _reader = reader;
        _wallets = new ConcurrentDictionary<ulong, WalletView>(_comparer);
        _chains = new ConcurrentDictionary<ChainKey, ChainView>(_comparer);
    }

    internal bool TryFind(ulong wallet, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out WalletView view) => _wallets.TryGetValue(wallet, out view);

    internal bool TryFind(in ChainKey chain, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out ChainView view) => _chains.TryGetValue(chain, out view);

    /// <summary>Asks what the settle thread knows, and waits for it. What it says may be kept or not.</summary>
    /// <returns>False: the engine has stopped.</returns>
    internal bool TryAsk(ConsentQuestions questions)
    {
        questions.Versions.Clear();
        foreach (ulong wallet in questions.WalletsAsked)
            questions.Versions.Add(Volatile.Read(ref _versions[StripeOf(_comparer.GetHashCode(wallet))]));
        foreach (ChainKey chain in questions.ChainsAsked)
            questions.Versions.Add(Volatile.Read(ref _versions[StripeOf(_comparer.GetHashCode(chain))]));
        if (!_reader.TryRead(questions))
            return false;
        lock (_gate)
            Keep(questions);
        return true;
    }

    /// <summary>Forgets everything: commands went by unseen. While no reply thread runs; answers that are on their way are used once and not kept.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            for (int stripe = 0; stripe < Stripes; stripe++)
                _versions[stripe]++;
            _wallets.Clear();
            _chains.Clear();
            (_walletCount, _chainCount) = (0, 0);
            (_begun, _skip) = (Instruction.None, 0);
        }
    }

    /// <summary>Sees commands go by whose effect may be other than what is remembered. The reply thread's, all slots in order.</summary>
    public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes)
    {
        for (int i = 0; i < slots.Length;)
        {
            if (_begun != Instruction.None)
            {
                Forget(_begun, MemoryMarshal.AsBytes(slots.Slice(i, 1)));
                _begun = Instruction.None;
            }

            if (_skip > 0)
            {
                int skipped = Math.Min(_skip, slots.Length - i);
                _skip -= skipped;
                i += skipped;
                continue;
            }

            ref readonly Payment slot = ref slots[i];
            if (slot.Instruction.IsControl())
            {
                _skip = Unsafe.As<Payment, ControlCommand>(ref Unsafe.AsRef(in slot)).ContinuationSlots;
                if (slot.Instruction.IsConsent() && _skip > 0 && outcomes[i].Verdict == Verdict.Accepted)
                    _begun = slot.Instruction;
            }

            i++;
        }
    }

    /// <param name="instruction">What was accepted.</param>
    /// <param name="payload">The first 64 bytes of what it says.</param>
    private void Forget(Instruction instruction, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (instruction is Instruction.RegisterKey or Instruction.RevokeKey)
            {
                ulong wallet = MemoryMarshal.Read<ulong>(payload[8..]);
                _versions[StripeOf(_comparer.GetHashCode(wallet))]++;
                _walletCount -= _wallets.TryRemove(wallet, out _) ? 1 : 0;
            }
            else if (instruction == Instruction.OpenChain)
            {
                var chain = new ChainKey(MemoryMarshal.Read<ushort>(payload[48..]), MemoryMarshal.Read<ulong>(payload[8..]), MemoryMarshal.Read<ulong>(payload));
                _versions[StripeOf(_comparer.GetHashCode(chain))]++;
                _chainCount -= _chains.TryRemove(chain, out _) ? 1 : 0;
            }
        }
    }

    private void Keep(ConsentQuestions questions)
    {
        int at = 0;
        foreach (ulong wallet in questions.WalletsAsked)
        {
            if (_versions[StripeOf(_comparer.GetHashCode(wallet))] != questions.Versions[at])
                questions.Wallets[at] ??= WalletView.None;
            else
                Keep(_wallets, wallet, ref _walletCount, WalletsMax, questions.Wallets[at] ??= WalletView.None);
            at++;
        }

        for (int i = 0; i < questions.ChainsAsked.Count; i++, at++)
        {
            ChainKey chain = questions.ChainsAsked[i];
            ChainView view = questions.Chains[i] ?? ChainView.None;
            // Who asked at the same time may have gone on with his already: both go on with one, so that each knows what the other has checked.
            if (_versions[StripeOf(_comparer.GetHashCode(chain))] == questions.Versions[at])
                view = Keep(_chains, chain, ref _chainCount, ChainsMax, view);
            questions.Chains[i] = view;
        }
    }

    private static TView Keep<TKey, TView>(ConcurrentDictionary<TKey, TView> views, TKey key, ref int count, int countMax, TView view)
        where TKey : notnull
    {
        if (views.TryGetValue(key, out TView? known))
            return known;
        if (count >= countMax)
        {
            views.Clear();
            count = 0;
        }

        views[key] = view;
        count++;
        return view;
    }

    private static int StripeOf(int hash) => hash & (Stripes - 1);

    /// <summary>Clients choose the numbers of streams and wallets they name: without chance in it they could choose them to meet in one place.</summary>
    private sealed class Comparer : IEqualityComparer<ulong>, IEqualityComparer<ChainKey>
    {
        private readonly ulong _seed = MemoryMarshal.Read<ulong>(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;

        public bool Equals(ulong x, ulong y) => x == y;

        public int GetHashCode(ulong obj) => (int)Mix.Fold(obj ^ _seed, _seed);

        public bool Equals(ChainKey x, ChainKey y) => x == y;

        public int GetHashCode(ChainKey obj) => (int)Mix.Fold(Mix.Fold(obj.Stream ^ _seed, _seed + obj.Participant) ^ obj.Wallet, _seed);
    }
}
