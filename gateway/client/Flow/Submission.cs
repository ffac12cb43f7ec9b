using Settlement.Engine.Domain;

namespace Settlement.Client.Flow;

/// <summary>One call's payments, or one group of commands, on their way. All fields are written under the queue's lock.</summary>
internal sealed class Submission(ReadOnlyMemory<Payment> payments, ReadOnlyMemory<PaymentEvidence> evidence, bool isWhole)
{
    private readonly TaskCompletionSource<PaymentVerdict[]> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ReadOnlyMemory<Payment> Payments => payments;

    public ReadOnlyMemory<PaymentEvidence> Evidence => evidence;

    /// <summary>Whether it travels in one frame: evidence speaks for lower numbers of its frame, and a command's continuation stands behind it.</summary>
    public bool IsWhole => isWhole;

    /// <summary>What its evidence takes in a frame.</summary>
    public int EvidenceBytes { get; } = PaymentEvidence.Check(evidence.Span, payments.Length);

    public PaymentVerdict[] Verdicts { get; } = new PaymentVerdict[payments.Length];

    public int Sent { get; set; }

    public int Answered { get; set; }

    /// <summary>Answered, failed, or given up by its caller: nothing more is sent of it.</summary>
    public bool IsOver { get; private set; }

    public Task<PaymentVerdict[]> Task => _done.Task;

    public void Finish()
    {
        IsOver = true;
        _done.TrySetResult(Verdicts);
    }

    public void Fail(Exception why)
    {
        IsOver = true;
        _done.TrySetException(why);
        _ = _done.Task.Exception; // a caller that went away does not ask any more
    }

    /// <summary>What the caller is told when the answer does not come.</summary>
    /// <param name="what">What happened, as the sentence's beginning.</param>
    public Exception Lost(string what, Exception? inner)
    {
        if (Sent == 0)
            return new NotSentException($"{what} before anything was sent: it can be sent again", inner);
        List<PaymentId> unknown = [], notSent = [];
        ReadOnlySpan<Payment> all = payments.Span;
        for (int i = 0; i < all.Length; i++)
        {
            if (i >= Sent)
                notSent.Add(PaymentId.Of(in all[i]));
            else if (Verdicts[i].Verdict == Verdict.Undecided && !all[i].Instruction.IsControl())
                unknown.Add(PaymentId.Of(in all[i]));
        }

        string about = all[0].Instruction.IsControl()
            ? "whether the command took effect is unknown: look at the ledger"
            : $"the outcome of {unknown.Count} of {all.Length} payments is unknown: ask for their ids";
        return new OutcomeUnknownException($"{what}: {about}", unknown, notSent, Verdicts, inner);
    }
}
