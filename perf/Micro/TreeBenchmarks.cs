using BenchmarkDotNet.Attributes;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Perf.Micro;

/// <summary>
/// What a batch's tree costs a leaf on one thread: all of it, its parts, and the framework hashing the same leaf alone.
/// A leaf (or message) is an operation.
/// </summary>
[MemoryDiagnoser]
public class TreeBenchmarks : IDisposable
{
    internal const int LeafCount = 65_536;

    private readonly LeafSalt _salt = new(new byte[LeafSalt.KeyBytes]);
    private readonly MerkleBuilder _builder;
    private readonly Payment[] _payments = new Payment[LeafCount];
    private readonly ulong[] _sequences = new ulong[LeafSalt.SequencesMax];
    private readonly byte[] _padded = new byte[256 * 128];
    private readonly byte[] _nodes = new byte[256 * 512];
    private readonly byte[] _links = new byte[256 * 32];
    private readonly byte[] _digests = new byte[256 * 32];
    private readonly Sha256Ending _ending = new(512, [1, 16]);

    public TreeBenchmarks()
    {
        _builder = new MerkleBuilder(_salt);
        for (ulong at = 0; at < LeafCount; at++) _payments[at] = new Payment { IdLow = at, Payer = at * 3, Amount = 5 };
        for (int at = 0; at < _padded.Length; at += 128) Sha256Lanes.Pad(_padded.AsSpan(at, 128), MerkleTree.LeafBytes);
    }

    [Benchmark(OperationsPerInvoke = LeafCount)]
    public Digest WholeTree()
    {
        for (int at = 0; at < LeafCount; at++) _builder.Append((ulong)at + 1, _payments[at]);
        return _builder.Finish();
    }

    [Benchmark(OperationsPerInvoke = LeafSalt.SequencesMax)]
    public byte Salts() => _salt.Compute(_sequences)[0];

    [Benchmark(OperationsPerInvoke = 256)]
    [Arguments(1)]
    [Arguments(4)]
    [Arguments(8)]
    [Arguments(16)]
    public byte LeafOf89Bytes(int lanes)
    {
        Sha256Lanes.HashPadded(_padded, MerkleTree.LeafBytes, _digests, lanes);
        return _digests[0];
    }

    [Benchmark(OperationsPerInvoke = 256)]
    [Arguments(1)]
    [Arguments(4)]
    [Arguments(8)]
    [Arguments(16)]
    public byte NodeOf514Bytes(int lanes)
    {
        Sha256Lanes.HashWithEnding(_nodes, _ending, _digests, lanes);
        return _digests[0];
    }

    [Benchmark(OperationsPerInvoke = 256)]
    [Arguments(1)]
    [Arguments(4)]
    [Arguments(8)]
    [Arguments(16)]
    public byte ChainLinkOf32Bytes(int lanes)
    {
        Sha256Lanes.Hash(_links, Sha256Lanes.DigestBytes, _digests, lanes);
        return _digests[0];
    }

    public void Dispose()
    {
        _salt.Dispose();
        GC.SuppressFinalize(this);
    }
}
