using Settlement.Client.Wire;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve.Roles;

/// <summary>
/// One stretch of leading: a pipeline, and the frames that are on their way through it. A single node has one from its start to its end; a node of a cluster one for each term that it
/// leads, and none between them.
/// </summary>
/// <remarks>
/// Invariant: whoever has claimed slots publishes them before the pipeline's memory is given back: claims are counted in and out, and <see cref="Close"/> returns when all are out.
/// Between the two nobody waits, but for the memory of evidence, which a stopped pipeline does not let him wait for.
/// Costs two interlocked additions a frame.
/// </remarks>
internal sealed class Leadership(Pipeline pipeline, PendingFrames frames)
{
    private const int Closed = 1 << 30;
    private const int CloseLookMs = 1;

    private int _writers; // how many are between claim and publication, and whether it is closed; interlocked
    private volatile bool _isHeld;

    /// <summary>For what neither claims nor publishes.</summary>
    public Pipeline Pipeline => pipeline;

    public bool IsClosed => (Volatile.Read(ref _writers) & Closed) != 0;

    /// <summary>Takes so many slots, contiguous, without waiting. They must be published.</summary>
    /// <returns>False: there is no room now.</returns>
    /// <exception cref="NotLeadingException">The node does not lead any more; nothing was taken.</exception>
    /// <exception cref="EngineStoppedException">The engine stopped; nothing was taken.</exception>
    public bool TryClaim(int count, out long first)
    {
        first = 0;
        Enter();
        bool isClaimed = false;
        try
        {
            isClaimed = !_isHeld && pipeline.TryClaim(count, out first);
            return isClaimed;
        }
        catch (EngineStoppedException) when (IsClosed)
        {
            throw new NotLeadingException(NodeAddresses.None);
        }
        finally
        {
            if (!isClaimed)
                Leave();
        }
    }

    /// <inheritdoc cref="PendingFrames.Put"/>
    public ulong Put(long first, in PendingFrame frame) => frames.Put(first, in frame);

    /// <inheritdoc cref="Pipeline.Slots"/>
    public Span<Payment> Slots(long first, int count, out Span<ulong> tags) => pipeline.Slots(first, count, out tags);

    /// <summary>Shows claimed slots to the stages.</summary>
    /// <exception cref="NotLeadingException">The node does not lead any more; what was claimed is not journaled.</exception>
    public void Publish(long first, int count, ReadOnlySpan<byte> evidence = default)
    {
        try
        {
            pipeline.Publish(first, count, evidence);
        }
        catch (EngineStoppedException) when (IsClosed)
        {
            throw new NotLeadingException(NodeAddresses.None);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Lets nobody claim, and refuses nobody either, until <see cref="Release"/> or <see cref="Close"/>: a handover lets what is there be answered first.</summary>
    public void Hold() => _isHeld = true;

    public void Release() => _isHeld = false;

    /// <summary>Takes nothing more, stops the stages where they are, and returns when nobody writes to the ring any more.</summary>
    public void Close()
    {
        Interlocked.Or(ref _writers, Closed);
        pipeline.Stop();
        while (Volatile.Read(ref _writers) != Closed)
            Thread.Sleep(CloseLookMs);
    }

    private void Enter()
    {
        if ((Interlocked.Increment(ref _writers) & Closed) == 0)
            return;
        Leave();
        throw new NotLeadingException(NodeAddresses.None);
    }

    private void Leave() => Interlocked.Decrement(ref _writers);
}
