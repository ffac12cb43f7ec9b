using Settlement.Client.Wire;

namespace Settlement.Client;

/// <summary>Something that a client of the ledger has to know and act on; what was decided is a <see cref="PaymentVerdict"/>, never an exception.</summary>
public class SettlementException : Exception
{
    public SettlementException()
    {
    }

    public SettlementException(string message)
        : base(message)
    {
    }

    public SettlementException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}

/// <summary>There is no connection, all tries to make one are used up, and nothing of what was asked for was sent. It can safely be asked for again.</summary>
public sealed class NotSentException : SettlementException
{
    public NotSentException()
    {
    }

    public NotSentException(string message)
        : base(message)
    {
    }

    public NotSentException(string message, Exception? inner)
        : base(message, inner)
    {
    }
}

/// <summary>The server refused the connection or a frame. Nothing of a refused frame was taken.</summary>
public sealed class RefusedException : SettlementException
{
    public RefusedException()
    {
    }

    public RefusedException(string message)
        : base(message)
    {
    }

    public RefusedException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    public RefusedException(RefusalCode code, string message)
        : base($"the server refused: {message} ({code})") => Code = code;

    internal RefusedException(RefusalCode code, NodeAddresses leader, string message)
        : this(code, message) => Leader = leader;

    public RefusalCode Code { get; }

    /// <summary>Of <see cref="RefusalCode.NotLeader"/>: who leads, as far as the node knows. It is believed no further than that it is worth a try.</summary>
    public NodeAddresses Leader { get; } = NodeAddresses.None;

    /// <summary>Whether trying again, without a change, can help.</summary>
    public bool IsTransient => Code is RefusalCode.Busy or RefusalCode.TooSlow or RefusalCode.AnswersNotTaken or RefusalCode.EngineStopped or RefusalCode.ServerEnding or RefusalCode.NotLeader;
}

/// <summary>
/// Payments were sent, and their answer did not come: in time, or before the connection broke. They may or may not be settled. Ask with
/// <see cref="SettlementClient.FindAsync"/>; the same payments under the same ids may also be sent again, and are settled once in any case.
/// </summary>
public sealed class OutcomeUnknownException : SettlementException
{
    public OutcomeUnknownException()
    {
    }

    public OutcomeUnknownException(string message)
        : base(message)
    {
    }

    public OutcomeUnknownException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    internal OutcomeUnknownException(string message, IReadOnlyList<PaymentId> ids, IReadOnlyList<PaymentId> notSent, IReadOnlyList<PaymentVerdict> verdicts, Exception? inner)
        : base(message, inner)
    {
        Ids = ids;
        NotSent = notSent;
        Verdicts = verdicts;
    }

    /// <summary>What to ask about. Empty for a control command, which has no id.</summary>
    public IReadOnlyList<PaymentId> Ids { get; } = [];

    /// <summary>What was certainly not sent.</summary>
    public IReadOnlyList<PaymentId> NotSent { get; } = [];

    /// <summary>One a payment of the call, in its order; undecided where the outcome is unknown or the payment was not sent.</summary>
    public IReadOnlyList<PaymentVerdict> Verdicts { get; } = [];
}
