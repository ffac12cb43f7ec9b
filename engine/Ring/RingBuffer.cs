using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Ring;

/// <summary>
/// The slots through which payments go from stage to stage: a power of two of them, 64 bytes each, in native memory that is
/// taken at start. This is what consumers see; producers hold <see cref="RingBuffer{TSequencer}"/>.
/// </summary>
/// <remarks>
/// <para>Ring sequences start at 0 and have nothing to do with the ledger's. Slot of a sequence: its low bits, so columns
/// of a stage's own with <see cref="Capacity"/> entries run parallel to the slots by <see cref="IndexOf"/>.</para>
/// <para>Invariant: a slot is written again only when every gating sequence has passed it; no slot is skipped. Dispose only
/// when all threads that hold a span of it have ended; where that cannot be known, do not dispose: the collector frees it.</para>
/// </remarks>
public abstract partial class RingBuffer : IDisposable
{
    /// <summary>4 GiB of slots.</summary>
    public const int CapacityMax = 1 << 26;

    private const nuint PageBytes = 4096;
    private const nuint HugePageBytes = 2 << 20;

    private readonly unsafe Payment* _slots;
    private readonly StopSignal _stop;

    // written by: the thread that sets the ring up, before the first claim
    private SequenceBarrier? _gating;
    private Sequence[] _gatingSequences = [];
    private bool _disposed;

    private protected RingBuffer(int capacity, WaitStrategy strategy, StopSignal stop)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, CapacityMax);
        if (!int.IsPow2(capacity))
            throw new ArgumentException($"the capacity of a ring is a power of two, not {capacity}", nameof(capacity));
        ArgumentNullException.ThrowIfNull(strategy);
        ArgumentNullException.ThrowIfNull(stop);
        Capacity = capacity;
        Mask = capacity - 1;
        WaitStrategy = strategy;
        _stop = stop;
        unsafe
        {
            _slots = (Payment*)AllocateZeroed((nuint)capacity * Payment.Size);
        }
    }

    /// <summary>Slots; a power of two.</summary>
    public int Capacity { get; }

    public int Mask { get; }

    public WaitStrategy WaitStrategy { get; }

    /// <summary>The highest sequence claimed (many producers) or published (one producer); -1: none.</summary>
    public long Cursor => CursorSequence.Value;

    internal Sequence CursorSequence { get; } = new();

    /// <summary>Stopped, or not yet set up.</summary>
    internal bool IsClosed
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _gating is null || _gating.IsAlerted;
    }

    /// <summary>The slot of a sequence that the caller has claimed or may take.</summary>
    public ref Payment this[long sequence]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            unsafe
            {
                return ref _slots[sequence & Mask];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexOf(long sequence) => (int)sequence & Mask;

    /// <summary>
    /// The slots from a sequence on: so many, or as many as there are before the wrap; then the rest comes with a second call.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<Payment> Slots(long from, long count)
    {
        int index = IndexOf(from);
        int length = (int)Math.Min((ulong)count, (ulong)(Capacity - index));
        unsafe
        {
            return new Span<Payment>(_slots + index, length);
        }
    }

    /// <summary>
    /// The sequences that a slot must have been passed by before it is written again: those of the last stages.
    /// </summary>
    /// <exception cref="InvalidOperationException">A slot was claimed already, or there are gating sequences already.</exception>
    public void SetGatingSequences(params ReadOnlySpan<Sequence> sequences)
    {
        if (sequences.IsEmpty)
            throw new ArgumentException("at least one sequence must gate the producers", nameof(sequences));
        if (_gating is not null || Cursor != Sequence.Initial)
            throw new InvalidOperationException("gating sequences are set once, before the first claim");
        _gatingSequences = sequences.ToArray();
        _gating = new SequenceBarrier(null, WaitStrategy, _stop, sequences);
    }

    /// <summary>A barrier over what is published.</summary>
    public SequenceBarrier NewBarrier() => new(this, WaitStrategy, _stop, []);

    /// <summary>A barrier over sequences alone; each must itself stay behind what is published.</summary>
    public SequenceBarrier NewBarrier(params ReadOnlySpan<Sequence> after) => new(WaitStrategy, _stop, after);

    /// <summary>A barrier over what is published and, besides, sequences that may run ahead of it.</summary>
    public SequenceBarrier NewBarrierOfCursorAnd(params ReadOnlySpan<Sequence> after) => new(this, WaitStrategy, _stop, after);

    /// <summary>
    /// Waits until the gating sequences have passed everything. For when all producers have published their last.
    /// </summary>
    /// <returns>False: the time is over.</returns>
    /// <exception cref="EngineStoppedException">A stage failed, or the engine was stopped.</exception>
    public bool Drain(int timeoutMs = Timeout.Infinite)
    {
        if (_gating is null)
            ThrowNotGated();
        try
        {
            return _gating.TryWaitFor(Cursor, timeoutMs, out _);
        }
        catch (AlertException)
        {
            throw _stop.ToException();
        }
    }

    internal abstract long HighestPublished(long from, long limit);

    /// <summary>What the slowest gating sequence has reached.</summary>
    internal long Gating() => Sequence.Minimum(_gatingSequences);

    /// <summary>
    /// The ring is full, or seemed so: waits until all gating sequences have reached one. Returns what they have reached.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal long AwaitGating(long sequence)
    {
        try
        {
            return _gating!.WaitFor(sequence);
        }
        catch (AlertException)
        {
            throw _stop.ToException();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void ThrowNotTheNextClaim(long first, long last) =>
        throw new InvalidOperationException(
            $"{first} to {last} is not what the one producer has claimed and must publish next; is there a second producer?");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private protected void ThrowCountOutOfRange(int count) =>
        throw new ArgumentOutOfRangeException(nameof(count), count, $"a claim takes 1 to {Capacity} slots");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private protected void ThrowClosed()
    {
        if (_gating is null)
            ThrowNotGated();
        throw _stop.ToException();
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void ThrowNotGated() =>
        throw new InvalidOperationException("no sequence gates the producers: what they write would be overwritten unread");

    /// <summary>When nobody can have a span of it any more: who writes into a claim holds the ring until he has published it.</summary>
    ~RingBuffer() => Free();

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_disposed)
            return;
        _disposed = true;
        unsafe
        {
            NativeMemory.AlignedFree(_slots);
        }
    }

    private static unsafe void* AllocateZeroed(nuint bytes)
    {
        bool isHuge = bytes >= HugePageBytes;
        void* memory = NativeMemory.AlignedAlloc(bytes, isHuge ? HugePageBytes : PageBytes);

        // Advice only: where it is refused, the ring has small pages and is as correct.
        if (isHuge && OperatingSystem.IsLinux())
            _ = Advise(memory, bytes, AdviceHugePage);

        // Also touches every page, so that no producer meets a page fault.
        NativeMemory.Clear(memory, bytes);
        return memory;
    }

    private const int AdviceHugePage = 14;

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static unsafe partial int Advise(void* address, nuint bytes, int advice);
}

/// <summary>A ring with its producers' side, compiled for one producer or for many.</summary>
/// <typeparam name="TSequencer"><see cref="SingleProducerSequencer"/> or <see cref="MultiProducerSequencer"/>.</typeparam>
public sealed class RingBuffer<TSequencer> : RingBuffer
    where TSequencer : struct, ISequencer<TSequencer>
{
    private TSequencer _sequencer;

    /// <param name="capacity">Slots of 64 bytes; a power of two up to <see cref="RingBuffer.CapacityMax"/>.</param>
    /// <param name="strategy">How producers and consumers of this ring wait.</param>
    /// <param name="stop">What ends them.</param>
    public RingBuffer(int capacity, WaitStrategy strategy, StopSignal stop)
        : base(capacity, strategy, stop) => _sequencer = TSequencer.Create(capacity);

    /// <summary>
    /// Takes so many slots, 1 to the capacity, contiguous in sequence; waits while the ring is full. They must be published,
    /// whatever happens: consumers wait for them.
    /// </summary>
    /// <returns>The first sequence; the last is that plus <paramref name="count"/> minus one.</returns>
    /// <exception cref="EngineStoppedException">A stage failed, or the engine was stopped.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Claim(int count)
    {
        if ((uint)(count - 1) > (uint)Mask)
            ThrowCountOutOfRange(count);
        if (IsClosed)
            ThrowClosed();
        return _sequencer.Claim(this, count);
    }

    /// <summary>As <see cref="Claim"/>, without waiting.</summary>
    /// <returns>False: there is no room now, nothing was taken.</returns>
    /// <exception cref="EngineStoppedException">A stage failed, or the engine was stopped.</exception>
    public bool TryClaim(int count, out long first)
    {
        if ((uint)(count - 1) > (uint)Mask)
            ThrowCountOutOfRange(count);
        if (IsClosed)
            ThrowClosed();
        return _sequencer.TryClaim(this, count, out first);
    }

    /// <summary>Shows claimed slots to the consumers, and wakes them if need be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(long first, long last)
    {
        _sequencer.Publish(this, first, last);
        WaitStrategy.SignalAllWhenBlocking();
    }

    internal override long HighestPublished(long from, long limit) => _sequencer.HighestPublished(this, from, limit);
}
