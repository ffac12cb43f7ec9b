using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;

namespace Settlement.Gateway.Wire;

/// <summary>
/// Frames on their way to one client. Anyone may add one, without waiting; a pump on the thread pool carries them to the transport.
/// </summary>
/// <remarks>
/// Two buffers: one is filled while the other is written. Neither is held while there is nothing to say, so an idle connection has none.
/// Failure assumed: a client that does not read. Its answers stay here up to a bound; <see cref="IsOverfull"/> then says so, and its owner cuts it.
/// </remarks>
internal sealed class Outbox(PipeWriter output, int bytesMax) : IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private byte[]? _filling; // guarded by the lock
    private int _filled; // guarded by the lock
    private int _writing; // bytes that the pump has taken and not yet handed over; guarded by the lock
    private bool _isPumping; // guarded by the lock
    private bool _isClosed; // guarded by the lock
    private TaskCompletionSource? _idle; // guarded by the lock

    /// <summary>Bytes that wait here.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
                return _filled + _writing;
        }
    }

    /// <summary>More waits than may; the frame that did not fit is not there, and nothing may follow it.</summary>
    public bool IsOverfull { get; private set; }

    /// <summary>Adds a whole frame. Any thread; never waits.</summary>
    /// <returns>False: the connection is gone, or the client takes too little.</returns>
    public bool TryAdd(ReadOnlySpan<byte> frame)
    {
        lock (_lock)
        {
            if (_isClosed || IsOverfull)
                return false;
            if (_filled + _writing + frame.Length > bytesMax)
            {
                IsOverfull = true;
                return false;
            }

            Append(frame);
            if (_isPumping)
                return true;
            _isPumping = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    /// <summary>A frame of a body of fixed size.</summary>
    public bool TryAdd<TBody>(FrameKind kind, ulong number, in TBody body, ReadOnlySpan<byte> more = default)
        where TBody : unmanaged
    {
        int bodyBytes = Marshal.SizeOf<TBody>() + more.Length;
        Span<byte> frame = stackalloc byte[FrameHeader.Size + Marshal.SizeOf<TBody>() + WireLimits.RefusalTextBytesMax];
        if (FrameHeader.Size + bodyBytes > frame.Length)
            frame = new byte[FrameHeader.Size + bodyBytes];
        MemoryMarshal.Write(frame, new FrameHeader { Bytes = (uint)bodyBytes, Kind = kind, Number = number });
        MemoryMarshal.Write(frame[FrameHeader.Size..], in body);
        more.CopyTo(frame[(FrameHeader.Size + Marshal.SizeOf<TBody>())..]);
        return TryAdd(frame[..(FrameHeader.Size + bodyBytes)]);
    }

    /// <summary>A frame without a body.</summary>
    public bool TryAdd(FrameKind kind, ulong number)
    {
        Span<byte> frame = stackalloc byte[FrameHeader.Size];
        MemoryMarshal.Write(frame, new FrameHeader { Kind = kind, Number = number });
        return TryAdd(frame);
    }

    /// <summary>Until all that was added has been handed to the transport, or cannot be any more.</summary>
    public Task FlushedAsync()
    {
        lock (_lock)
        {
            if (!_isPumping)
                return Task.CompletedTask;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task;
        }
    }

    /// <summary>Nothing is added any more; what waits is forgotten.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            Forget();
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    private async Task PumpAsync()
    {
        try
        {
            while (TryTake(out byte[] bytes, out int length))
            {
                output.Write(bytes.AsSpan(0, length));
                ArrayPool<byte>.Shared.Return(bytes);
                FlushResult flushed = await output.FlushAsync().ConfigureAwait(false);
                if (flushed.IsCompleted || flushed.IsCanceled)
                    Close();
            }
        }
        catch (Exception broken) when (broken is IOException or InvalidOperationException or OperationCanceledException or ObjectDisposedException)
        {
            // The transport is gone, which the reading side sees as well.
            Close();
            TryTake(out _, out _);
        }
    }

    private bool TryTake(out byte[] bytes, out int length)
    {
        lock (_lock)
        {
            (bytes, length) = (_filling ?? [], _filled);
            (_filling, _filled, _writing) = (null, 0, length);
            if (length > 0)
                return true;
            _isPumping = false;
            _idle?.TrySetResult();
            _idle = null;
            return false;
        }
    }

    private void Append(ReadOnlySpan<byte> frame)
    {
        int needed = _filled + frame.Length;
        if (_filling is null)
        {
            _filling = ArrayPool<byte>.Shared.Rent(Math.Max(needed, 256));
        }
        else if (_filling.Length < needed)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, 2 * _filled));
            _filling.AsSpan(0, _filled).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_filling);
            _filling = larger;
        }

        frame.CopyTo(_filling.AsSpan(_filled));
        _filled = needed;
    }

    private void Forget()
    {
        if (_filling is not null)
            ArrayPool<byte>.Shared.Return(_filling);
        (_filling, _filled) = (null, 0);
    }
}
