using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Batch;

/// <summary>
/// Builds the tree of one batch after the other (<see cref="MerkleTree"/> has the bytes), a payment at a time, in bounded memory.
/// </summary>
/// <remarks>
/// Purpose: the root that a batch's statement names. It runs behind the settle thread, on its own. Invariant: the root is that of
/// the naive tree, however the payments came; sequences rise. Failure assumed: none; a payment out of order throws.
/// <para>
/// Leaves are staged by 64, padded where they lie, salted by one call of AES and hashed 16 at once. Each level collects 256
/// digests, which are 16 full nodes, again hashed at once. Memory, all of it taken at construction: 64 leaves of 128 bytes
/// + 11 levels x 256 digests of 32 bytes = 96 KiB.
/// </para>
/// </remarks>
public sealed class MerkleBuilder
{
    private const int LeavesStagedMax = LeafSalt.SequencesMax;
    private const int DigestsPerLevel = MerkleTree.FanOut * MerkleTree.FanOut;
    private const int LevelBytes = DigestsPerLevel * Sha256Lanes.DigestBytes;
    private const long NotWatched = -1;

    private readonly LeafSalt _salt;
    private readonly int _leafStride = Sha256Lanes.PaddedBytes(MerkleTree.LeafBytes);
    private readonly byte[] _leaves;
    private readonly byte[] _levels = new byte[MerkleTree.LevelsMax * LevelBytes];

    // All written by: the tree's thread.
    private readonly ulong[] _sequences = new ulong[LeavesStagedMax];
    private readonly int[] _collected = new int[MerkleTree.LevelsMax];
    private readonly long[] _taken = new long[MerkleTree.LevelsMax];
    private readonly List<Digest> _siblings = [];
    private int _staged;
    private long _hashed;
    private ulong _sequenceLast;
    private long _watched = NotWatched;
    private ulong _watchedSequence;

    /// <param name="salt">Of the ledger; used by this builder's thread alone.</param>
    public MerkleBuilder(LeafSalt salt)
    {
        ArgumentNullException.ThrowIfNull(salt);
        _salt = salt;
        _leaves = new byte[LeavesStagedMax * _leafStride];
        for (int leaf = 0; leaf < LeavesStagedMax; leaf++)
            Sha256Lanes.Pad(_leaves.AsSpan(leaf * _leafStride, _leafStride), MerkleTree.LeafBytes);
    }

    /// <summary>Leaves of the open tree.</summary>
    public long LeafCount => _hashed + _staged;

    /// <summary>Adds the batch's next accepted payment.</summary>
    /// <param name="sequence">Above that of the payment before.</param>
    /// <param name="payment">As it stands in the journal.</param>
    public void Append(ulong sequence, in Payment payment)
    {
        if (sequence <= _sequenceLast && LeafCount > 0) ThrowOutOfOrder(sequence);
        _sequenceLast = sequence;
        _sequences[_staged] = sequence;
        MerkleTree.WriteLeaf(_leaves.AsSpan(_staged * _leafStride, MerkleTree.LeafBytes), sequence, payment);
        if (++_staged == LeavesStagedMax) HashLeaves();
    }

    /// <summary>The open tree: what its levels hold, and the leaves not hashed yet. Nothing is watched.</summary>
    public void Save(SnapshotWriter writer)
    {
        if (_watched != NotWatched) throw new InvalidOperationException("a tree of which a path is wanted is not saved");
        writer.Write(_hashed);
        writer.Write(_sequenceLast);
        writer.Write(_staged);
        writer.Write<ulong>(_sequences.AsSpan(0, _staged));
        writer.Write<byte>(_leaves.AsSpan(0, _staged * _leafStride));
        writer.Write<int>(_collected);
        writer.Write<long>(_taken);
        for (int level = 0; level < _collected.Length; level++)
            writer.Write<byte>(Level(level)[..(_collected[level] * Sha256Lanes.DigestBytes)]);
    }

    /// <summary>In place of an empty tree.</summary>
    public void Load(SnapshotReader reader)
    {
        _hashed = reader.Read<long>();
        _sequenceLast = reader.Read<ulong>();
        _staged = reader.Read<int>();
        reader.Expect(_hashed is >= 0 and <= MerkleTree.LeafCountMax && (uint)_staged < LeavesStagedMax, "the open tree's counts cannot be");
        reader.Read(_sequences.AsSpan(0, _staged));
        reader.Read(_leaves.AsSpan(0, _staged * _leafStride));
        reader.Read(_collected.AsSpan());
        reader.Read(_taken.AsSpan());
        for (int level = 0; level < _collected.Length; level++)
        {
            reader.Expect((uint)_collected[level] < DigestsPerLevel, $"level {level} of the open tree cannot be");
            reader.Read(Level(level)[..(_collected[level] * Sha256Lanes.DigestBytes)]);
        }
    }

    /// <summary>Closes the tree and begins an empty one.</summary>
    public Digest Finish()
    {
        Digest root = Close();
        Reset();
        return root;
    }

    /// <summary>
    /// Has the next <see cref="Finish(out MerklePath)"/> give the path of a leaf; asked before that leaf is appended, for until then no node above
    /// it is hashed.
    /// </summary>
    /// <param name="index">Of the leaf, from 0; <see cref="LeafCount"/>: the next one.</param>
    public void Watch(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        if (index < LeafCount) throw new InvalidOperationException("a path is asked for before its leaf is appended");
        _watched = index;
    }

    /// <summary>Closes the tree and gives the path of the leaf that is watched. Allocates, the path.</summary>
    /// <exception cref="InvalidOperationException">No leaf was watched, or the tree has not so many.</exception>
    public Digest Finish(out MerklePath path)
    {
        if (_watched == NotWatched || _watched >= LeafCount)
            throw new InvalidOperationException("no leaf of this tree is watched");
        long leafCount = LeafCount;
        Digest root = Close();
        path = new MerklePath
        {
            Index = _watched,
            LeafCount = leafCount,
            Sequence = _watchedSequence,
            Salt = BinaryPrimitives.ReadUInt128LittleEndian(_salt.Compute([_watchedSequence])),
            Siblings = [.. _siblings],
        };
        Reset();
        return root;
    }

    private Digest Close()
    {
        HashLeaves();
        long count = _hashed;
        if (count == 0) return MerkleTree.EmptyRoot;
        int level = 0;
        for (; count > 1; count = MerkleTree.ParentCount(count))
        {
            HashNodes(level);
            if (_collected[level] > 0) HashLastNode(level);
            level++;
        }
        return MerkleTree.HashRoot(_hashed, Digest.From(Level(level)));
    }

    private void Reset()
    {
        _collected.AsSpan().Clear();
        _taken.AsSpan().Clear();
        _siblings.Clear();
        _hashed = 0;
        _watched = NotWatched;
    }

    private void HashLeaves()
    {
        if (_hashed > MerkleTree.LeafCountMax - _staged) ThrowTooManyLeaves();
        ReadOnlySpan<byte> salts = _salt.Compute(_sequences.AsSpan(0, _staged));
        for (int leaf = 0; leaf < _staged; leaf++)
            salts.Slice(leaf * LeafSalt.SaltBytes, LeafSalt.SaltBytes)
                .CopyTo(_leaves.AsSpan((leaf * _leafStride) + MerkleTree.SaltOffset, LeafSalt.SaltBytes));
        Sha256Lanes.HashPadded(_leaves.AsSpan(0, _staged * _leafStride), MerkleTree.LeafBytes, Room(0, _staged));
        if (_watched - _hashed is long watched && watched >= 0 && watched < _staged) _watchedSequence = _sequences[watched];
        _hashed += _staged;
        Collected(0, _staged);
        _staged = 0;
    }

    /// <summary>Hashes the full nodes that a level has collected; what is left moves to its front.</summary>
    private void HashNodes(int level)
    {
        int nodeCount = _collected[level] / MerkleTree.FanOut;
        if (nodeCount == 0) return;
        int bytes = nodeCount * MerkleTree.NodeBytes;
        Sha256Lanes.HashWithEnding(Level(level)[..bytes], MerkleTree.FullNodeEnding, Room(level + 1, nodeCount));
        Take(level, nodeCount * MerkleTree.FanOut);
        Collected(level + 1, nodeCount);
    }

    /// <summary>The node at a level's right edge, which has fewer children.</summary>
    private void HashLastNode(int level)
    {
        int children = _collected[level];
        Digest node = MerkleTree.HashNode(Level(level)[..(children * Sha256Lanes.DigestBytes)]);
        ((ReadOnlySpan<byte>)node).CopyTo(Room(level + 1, 1));
        Take(level, children);
        // Not through Collected: a level that is full now is hashed by the next turn of Close.
        _collected[level + 1]++;
    }

    private void Collected(int level, int count)
    {
        _collected[level] += count;
        if (_collected[level] == DigestsPerLevel) HashNodes(level);
    }

    private void Take(int level, int count)
    {
        long watchedChild = _watched >> (4 * level);
        if (_watched != NotWatched && watchedChild >= _taken[level] && watchedChild < _taken[level] + count)
            KeepSiblings(level, (int)(watchedChild - _taken[level]));
        int left = _collected[level] - count;
        Level(level).Slice(count * Sha256Lanes.DigestBytes, left * Sha256Lanes.DigestBytes).CopyTo(Level(level));
        _collected[level] = left;
        _taken[level] += count;
    }

    /// <summary>A child's siblings: levels come in order, for a node is hashed before its parent.</summary>
    private void KeepSiblings(int level, int child)
    {
        int first = child / MerkleTree.FanOut * MerkleTree.FanOut;
        int end = Math.Min(first + MerkleTree.FanOut, _collected[level]);
        for (int sibling = first; sibling < end; sibling++)
            if (sibling != child) _siblings.Add(Digest.From(Level(level)[(sibling * Sha256Lanes.DigestBytes)..]));
    }

    private Span<byte> Level(int level) => _levels.AsSpan(level * LevelBytes, LevelBytes);

    private Span<byte> Room(int level, int count) =>
        Level(level).Slice(_collected[level] * Sha256Lanes.DigestBytes, count * Sha256Lanes.DigestBytes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowOutOfOrder(ulong sequence) =>
        throw new InvalidOperationException(
            $"leaf of sequence {sequence} after one of {_sequenceLast}: a batch's payments come in order");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowTooManyLeaves() =>
        throw new InvalidOperationException($"a batch has at most {MerkleTree.LeafCountMax} payments");
}
