using System.Diagnostics;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client.Flow;

/// <summary>
/// What calls handed over, in their order, packed into frames when the connection has room: while one frame is written the next fills itself, so
/// small calls share frames under load and wait for nobody without.
/// </summary>
/// <remarks>
/// Invariant: a call is answered once: by verdicts, by an exception, or by having been given up. What was sent is never sent again from here, but for a frame of which a node that does not
/// lead said that it was not taken: it goes to the next connection as it is.
/// </remarks>
internal sealed class SubmitQueue(FrameKind kind, FrameFlags flags, int queuedMax, Action wake) : IFrameSource
{
    private readonly Lock _gate = new();
    private readonly Queue<Submission> _queue = new();
    private readonly Queue<OutFrame> _again = new(); // not taken, and before all that is queued
    private TaskCompletionSource? _room;
    private int _queued; // payments not yet sent
    private Exception? _failure;

    /// <summary>Hands over payments and waits for their verdicts.</summary>
    /// <exception cref="OutcomeUnknownException">They were sent, and the answer did not come.</exception>
    /// <exception cref="NotSentException">Nothing was sent.</exception>
    public async Task<PaymentVerdict[]> SubmitAsync(Submission submission, TimeSpan deadline, CancellationToken cancel)
    {
        long begun = Stopwatch.GetTimestamp();
        int count = submission.Payments.Length;
        while (TryEnter(submission, count) is { } room)
        {
            try
            {
                await room.WaitAsync(Left(deadline, begun), cancel).ConfigureAwait(false);
            }
            catch (TimeoutException late)
            {
                throw new NotSentException($"no room within {deadline.TotalSeconds:0.###} s", late);
            }
        }

        wake();
        try
        {
            return await submission.Task.WaitAsync(Left(deadline, begun), cancel).ConfigureAwait(false);
        }
        catch (TimeoutException late)
        {
            return GiveUp(submission, $"no answer within {deadline.TotalSeconds:0.###} s", late);
        }
        catch (OperationCanceledException cancelled) when (cancel.IsCancellationRequested)
        {
            return GiveUp(submission, "the caller gave up", cancelled);
        }
    }

    public OutFrame? Next(int slotsFree, int slotsMax)
    {
        lock (_gate)
        {
            if (TryNextAgain(slotsFree, slotsMax, out OutFrame? again))
                return again;
            while (_queue.TryPeek(out Submission? over) && over.IsOver)
                Leave(_queue.Dequeue(), over.Payments.Length - over.Sent);
            if (_queue.Count == 0 || Wanted(slotsMax) > slotsFree)
                return null;
            var frame = new OutFrame(this, kind, flags);
            while (frame.Slots < slotsMax && _queue.TryPeek(out Submission? next))
            {
                int left = next.IsOver ? 0 : next.Payments.Length - next.Sent;
                int room = Math.Min(slotsFree, slotsMax) - frame.Slots;
                if (next.IsWhole && (left > room || next.EvidenceBytes > WireLimits.FrameEvidenceBytesMax - frame.EvidenceBytes))
                    break;
                int count = Math.Min(left, room);
                if (count > 0)
                    Move(next, count, frame);
                if (count < left)
                    break;
                _queue.Dequeue();
                if (next.IsOver)
                    Leave(next, next.Payments.Length - next.Sent);
            }

            GiveRoom();
            return frame.Slots > 0 ? frame : Discard(frame);
        }
    }

    public void Answered(OutFrame frame, ReadOnlySpan<PaymentVerdict> verdicts)
    {
        lock (_gate)
        {
            int at = 0;
            foreach (FrameShare share in frame.Shares)
            {
                verdicts.Slice(at, share.Count).CopyTo(share.Submission.Verdicts.AsSpan(share.Start));
                at += share.Count;
                share.Submission.Answered += share.Count;
                if (share.Submission.Answered == share.Submission.Payments.Length)
                    share.Submission.Finish();
            }
        }

        frame.Release();
    }

    public void Refused(OutFrame frame, RefusedException why)
    {
        if (why.Code != RefusalCode.NotLeader)
        {
            End(frame, _ => why);
            return;
        }

        lock (_gate)
        {
            if (_failure is null)
                _again.Enqueue(frame.Again());
        }

        frame.Release();
    }

    public void Broken(OutFrame frame) => End(frame, submission => submission.Lost("the connection broke before the answer", null));

    /// <summary>Nothing is sent any more.</summary>
    public void Fail(Exception why)
    {
        lock (_gate)
        {
            _failure = why;
            while (_again.TryDequeue(out OutFrame? frame))
            {
                End(frame, submission => submission.Lost(why.Message, why));
                frame.Release();
            }

            while (_queue.TryDequeue(out Submission? submission))
            {
                if (!submission.IsOver)
                    submission.Fail(submission.Lost(why.Message, why));
            }

            _queued = 0;
            GiveRoom();
        }
    }

    /// <summary>What has to go before anything new; false: there is nothing such. Holding the gate.</summary>
    private bool TryNextAgain(int slotsFree, int slotsMax, out OutFrame? frame)
    {
        frame = null;
        while (_again.TryPeek(out OutFrame? next))
        {
            bool isWanted = next.Shares.Exists(share => !share.Submission.IsOver);
            if (isWanted && next.Slots <= slotsMax)
            {
                if (next.Slots <= slotsFree)
                    frame = _again.Dequeue();
                return true;
            }

            _again.Dequeue();
            End(next, submission => submission.Lost($"the node that leads now takes frames of {slotsMax} payments, and one of {next.Slots} was not taken before", null));
            next.Release();
        }

        return false;
    }

    private static TimeSpan Left(TimeSpan deadline, long begun)
    {
        TimeSpan left = deadline - Stopwatch.GetElapsedTime(begun);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private static OutFrame? Discard(OutFrame frame)
    {
        frame.Release();
        frame.Release();
        return null;
    }

    /// <returns>Null when it is in the queue; else what to wait for.</returns>
    private Task? TryEnter(Submission submission, int count)
    {
        lock (_gate)
        {
            if (_failure is not null)
                throw new NotSentException(_failure.Message, _failure);
            // What is larger than the whole queue gets it for itself.
            if (_queued > 0 && _queued + count > queuedMax)
                return (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            _queued += count;
            _queue.Enqueue(submission);
            return null;
        }
    }

    /// <summary>Slots that the next frame should have before it is worth cutting: a frame's full, or all there is.</summary>
    private int Wanted(int slotsMax)
    {
        Submission first = _queue.Peek();
        int left = first.Payments.Length - first.Sent;
        return first.IsWhole ? left : Math.Min(_queued, slotsMax);
    }

    private void Move(Submission from, int count, OutFrame frame)
    {
        int start = frame.Slots;
        from.Payments.Span.Slice(from.Sent, count).CopyTo(frame.Add(count));
        frame.AddEvidence(from.Evidence.Span, start);
        frame.Shares.Add(new FrameShare(from, from.Sent, count));
        from.Sent += count;
        _queued -= count;
    }

    private void Leave(Submission submission, int unsent)
    {
        Debug.Assert(submission.IsOver);
        _queued -= unsent;
    }

    private void GiveRoom()
    {
        if (_room is null || (_queued >= queuedMax && _queued > 0))
            return;
        _room.TrySetResult();
        _room = null;
    }

    private PaymentVerdict[] GiveUp(Submission submission, string what, Exception why)
    {
        lock (_gate)
        {
            if (submission.Task.IsCompletedSuccessfully)
                return submission.Verdicts;
            if (submission.Task.IsFaulted)
                throw submission.Task.Exception!.InnerException!;
            Exception lost = submission.Lost(what, why);
            submission.Fail(lost);
            if (submission.Sent == 0 && why is OperationCanceledException)
                throw why;
            throw lost;
        }
    }

    private void End(OutFrame frame, Func<Submission, Exception> why)
    {
        lock (_gate)
        {
            foreach (FrameShare share in frame.Shares)
            {
                if (!share.Submission.IsOver)
                    share.Submission.Fail(why(share.Submission));
            }
        }

        frame.Release();
    }
}
