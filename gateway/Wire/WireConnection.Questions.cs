using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Ledger;

namespace Settlement.Gateway.Wire;

/// <summary>Frames that ask the state. One at a time on a connection: the next frame is read when the answer is on its way.</summary>
internal sealed partial class WireConnection
{
    private async ValueTask<bool> TakeQuestionAsync(FrameHeader header, ReadOnlySequence<byte> body)
    {
        CountBody head = Read<CountBody>(body);
        if (head.Reserved != 0)
            return RefuseFrame(RefusalCode.Malformed, in header, "A frame's reserved bytes are zero.");
        if (head.Count is 0 or > WireLimits.AskedMax)
            return RefuseFrame(head.Count == 0 ? RefusalCode.Malformed : RefusalCode.TooLarge, in header, $"A frame asks for 1 to {WireLimits.AskedMax}, not {head.Count}.");
        ReadOnlySequence<byte> asked = body.Slice(CountBody.Size);
        Interlocked.Increment(ref _server.Counters.Asked);
        return header.Kind switch
        {
            FrameKind.AskIds => await AnswerAsync(header, new IdQuestions(_session!), head.Count, asked).ConfigureAwait(false),
            FrameKind.AskStreams => await AnswerAsync(header, new StreamQuestions(_session!), head.Count, asked).ConfigureAwait(false),
            _ => await AnswerAsync(header, new AccountQuestions(_session!), head.Count, asked).ConfigureAwait(false),
        };
    }

    private async ValueTask<bool> AnswerAsync<TQuestions, TAsked, TAnswer>(FrameHeader header, IQuestions<TQuestions, TAsked, TAnswer> questions, uint count, ReadOnlySequence<byte> body)
        where TAsked : unmanaged
        where TAnswer : unmanaged
    {
        if (body.Length != count * (long)Unsafe.SizeOf<TAsked>())
            return RefuseFrame(RefusalCode.Malformed, in header, "A frame's length is not that of what it asks for.");
        var asked = new TAsked[count];
        body.CopyTo(MemoryMarshal.AsBytes(asked.AsSpan()));
        foreach (ref readonly TAsked one in asked.AsSpan())
        {
            if (!questions.IsWellFormed(in one))
                return RefuseFrame(RefusalCode.Malformed, in header, "Reserved bytes and unknown flags of what is asked for are zero.");
        }

        var answers = new TAnswer[count];
        AnswersBody head = default;
        for (int done = 0; done < asked.Length;)
        {
            int from = done;
            int until = Math.Min(done + questions.AtOnce, asked.Length);
            AnswersBody asOf = await _server.Ingress.Engine.AskAsync(
                state =>
                {
                    for (int i = from; i < until; i++)
                        answers[i] = questions.Answer(state, in asked[i]);
                    return new AnswersBody { Count = count, AsOfSequence = state.Sequence, TimeNs = state.TimeNs };
                },
                _aborted).ConfigureAwait(false);
            if (done == 0)
                head = asOf;
            done = until;
        }

        if (!_outbox.TryAdd(questions.AnswerKind, header.Number, in head, MemoryMarshal.AsBytes(answers.AsSpan())))
            return IsTaken();
        return true;
    }
}
