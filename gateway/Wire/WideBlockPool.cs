using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Settlement.Gateway.Wire;

/// <summary>
/// Memory that sockets are read into: blocks of 64 KiB. With the 4 KiB that is usual a frame of 8,190 payments takes 128 calls of the kernel and as many wake-ups;
/// with these, 8. An idle connection holds none.
/// </summary>
/// <remarks>Blocks that come back are kept up to a bound, 32 MiB a pool; what a crowd needed beyond it goes back to the collector.</remarks>
internal sealed class WideBlockPool : MemoryPool<byte>
{
    private const int BlockBytes = 64 << 10;
    private const int KeptMax = 512;

    private readonly ConcurrentStack<Block> _kept = new();
    private int _keptCount; // interlocked

    public override int MaxBufferSize => BlockBytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (!_kept.TryPop(out Block? block))
            return new Block(this);
        Interlocked.Decrement(ref _keptCount);
        block.IsRented = true;
        return block;
    }

    protected override void Dispose(bool disposing) => _kept.Clear();

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _keptCount) <= KeptMax)
            _kept.Push(block);
        else
            Interlocked.Decrement(ref _keptCount);
    }

    private sealed class Block(WideBlockPool pool) : IMemoryOwner<byte>
    {
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

        public bool IsRented { get; set; } = true;

        public Memory<byte> Memory => _bytes;

        public void Dispose()
        {
            if (!IsRented)
                throw new InvalidOperationException("a block was given back twice");
            IsRented = false;
            pool.Return(this);
        }
    }
}

/// <summary>Pools for the server's sockets: the transport takes one for each of its queues, and disposes it.</summary>
internal sealed class WideBlockPoolFactory : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new WideBlockPool();
}
