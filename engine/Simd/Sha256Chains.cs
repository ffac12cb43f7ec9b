using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace Settlement.Engine.Simd;

/// <summary>A stretch of a SHA-256 chain that is to be walked: a link, hashed so many times.</summary>
public struct ChainWalk
{
    /// <summary>Where it begins; when it has been walked, where it ends.</summary>
    public Domain.Digest Link;

    /// <summary>Hashes to go; not negative.</summary>
    public int Steps;
}

/// <summary>
/// Walks many SHA-256 chains at once, one in each lane of a vector: 16, 8 or 4 of them as the hardware has lanes.
/// </summary>
/// <remarks>
/// A chain cannot be hashed in parallel with itself, but beside others. What one step leaves in the registers is the next step's message as it stands, so
/// bytes are turned into words when a chain enters a lane and back when it leaves, not in between. Lanes whose chain has ended take the next.
/// Invariant: the links are those that the framework gives, whatever the width. No allocation.
/// </remarks>
public static class Sha256Chains
{
    private const int LinkBytes = Sha256Lanes.DigestBytes;
    private const int LanesMax = 16;

    /// <summary>
    /// With fewer chains than this under way, one lane after the other through the framework is as fast: a step of all lanes takes as long however few of them are used.
    /// </summary>
    private const int LanesWorthwhile = 2;

    /// <summary>Walks all to their ends.</summary>
    public static void Walk(Span<ChainWalk> walks) => Walk(walks, LanesMax);

    internal static void Walk(Span<ChainWalk> walks, int lanesMax)
    {
        if (lanesMax >= 16 && Sha256Width512.IsSupported) WalkInLanes<Sha256Width512, Vector512<uint>>(walks);
        else if (lanesMax >= 8 && Sha256Width256.IsSupported) WalkInLanes<Sha256Width256, Vector256<uint>>(walks);
        else if (lanesMax >= 4 && Sha256Width128.IsSupported) WalkInLanes<Sha256Width128, Vector128<uint>>(walks);
        else WalkOneByOne(walks);
    }

    /// <summary>The framework's hash, link by link: what the lanes are held against, and the way of the last few.</summary>
    internal static void WalkOneByOne(Span<ChainWalk> walks)
    {
        foreach (ref ChainWalk walk in walks)
        {
            for (; walk.Steps > 0; walk.Steps--)
                SHA256.HashData(walk.Link, walk.Link);
        }
    }

    [SkipLocalsInit]
    private static void WalkInLanes<TWidth, TVector>(Span<ChainWalk> walks)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        int lanes = TWidth.LaneCount;
        Span<int> walkOf = stackalloc int[LanesMax];
        Span<byte> blocks = stackalloc byte[LanesMax * Sha256Lanes.BlockBytes];
        Span<byte> digests = stackalloc byte[LanesMax * LinkBytes];
        for (int lane = 0; lane < lanes; lane++)
            Sha256Lanes.Pad(blocks.Slice(lane * Sha256Lanes.BlockBytes, Sha256Lanes.BlockBytes), LinkBytes);
        int next = 0, busy = 0;
        for (int lane = 0; lane < lanes; lane++)
            busy += Enter(walks, ref next, blocks, lane, walkOf) ? 1 : 0;
        while (busy > LanesWorthwhile)
        {
            int steps = int.MaxValue;
            for (int lane = 0; lane < lanes; lane++)
                steps = walkOf[lane] >= 0 ? Math.Min(steps, walks[walkOf[lane]].Steps) : steps;
            Step<TWidth, TVector>(blocks, digests, steps);
            for (int lane = 0; lane < lanes; lane++)
            {
                if (walkOf[lane] < 0)
                    continue;
                ref ChainWalk walk = ref walks[walkOf[lane]];
                ReadOnlySpan<byte> link = digests.Slice(lane * LinkBytes, LinkBytes);
                walk.Steps -= steps;
                if (walk.Steps > 0)
                {
                    link.CopyTo(blocks[(lane * Sha256Lanes.BlockBytes)..]);
                    continue;
                }

                link.CopyTo(walk.Link);
                busy -= Enter(walks, ref next, blocks, lane, walkOf) ? 0 : 1;
            }
        }

        for (int lane = 0; lane < lanes; lane++)
        {
            if (walkOf[lane] < 0)
                continue;
            blocks.Slice(lane * Sha256Lanes.BlockBytes, LinkBytes).CopyTo(walks[walkOf[lane]].Link);
            WalkOneByOne(walks.Slice(walkOf[lane], 1));
        }
    }

    /// <returns>False: there is no further chain, the lane stays empty.</returns>
    private static bool Enter(ReadOnlySpan<ChainWalk> walks, ref int next, Span<byte> blocks, int lane, Span<int> walkOf)
    {
        while (next < walks.Length && walks[next].Steps == 0)
            next++;
        if (next == walks.Length)
        {
            walkOf[lane] = -1;
            return false;
        }

        ((ReadOnlySpan<byte>)walks[next].Link).CopyTo(blocks[(lane * Sha256Lanes.BlockBytes)..]);
        walkOf[lane] = next++;
        return true;
    }

    /// <summary>Hashes each lane's link so many times.</summary>
    /// <param name="blocks">A link and its padding a lane, 64 bytes.</param>
    /// <param name="digests">A link a lane, written.</param>
    /// <param name="steps">At least one.</param>
    [SkipLocalsInit]
    private static void Step<TWidth, TVector>(ReadOnlySpan<byte> blocks, Span<byte> digests, int steps)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        Unsafe.SkipInit(out Words<TVector> words);
        Unsafe.SkipInit(out State<TVector> state);
        TWidth.LoadBlock(ref MemoryMarshal.GetReference(blocks), Sha256Lanes.BlockBytes, ref words[0]);
        while (true)
        {
            for (int word = 0; word < Sha256Compression.StateWords; word++)
                state[word] = TWidth.Broadcast(in Sha256Compression.Initial[word]);
            Sha256Compression.Compress<TWidth, TVector>(ref state[0], ref words[0]);
            if (--steps == 0)
                break;
            for (int word = 0; word < Sha256Compression.StateWords; word++)
                words[word] = state[word];
        }

        TWidth.StoreDigests(ref state[0], ref digests[0]);
    }

    [InlineArray(Sha256Compression.BlockWords)]
    private struct Words<TVector>
    {
        private TVector _first;
    }

    [InlineArray(Sha256Compression.StateWords)]
    private struct State<TVector>
    {
        private TVector _first;
    }
}
