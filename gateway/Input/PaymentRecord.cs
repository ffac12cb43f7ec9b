using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>One payment of a file, as it will stand in the ring but for its session, and where it was read.</summary>
internal struct PaymentRecord
{
    /// <summary>
    /// The session is 0. Where <see cref="IdIsEmpty"/>: a stream id, whose low half is the ordinal among the file's records without
    /// an id (from 1) and whose high half is the reader's stream, or 0 if it was given none.
    /// </summary>
    public Payment Payment;

    /// <summary>From 1; in XML the line of the transaction's start tag.</summary>
    public long Line;

    /// <summary>The record has no id of its own.</summary>
    public bool IdIsEmpty;
}

/// <summary>Reads one file's payments, in its order.</summary>
internal interface IPaymentReader : IDisposable
{
    /// <summary>How messages call the file.</summary>
    string File { get; }

    /// <summary>
    /// Reads as many payments as fit and can be had without waiting for more input, but waits for the first. Allocates nothing
    /// for a CSV record.
    /// </summary>
    /// <returns>How many; 0 only at the end of the file.</returns>
    /// <exception cref="InputException">The file cannot be used from here on; what was returned before stands.</exception>
    int Read(Span<PaymentRecord> into);
}

/// <summary>What the formats share: a fault never costs the good payments before it.</summary>
internal abstract class PaymentReader : IPaymentReader
{
    private InputException? _fault; // written by: the reader's thread

    public abstract string File { get; }

    public int Read(Span<PaymentRecord> into)
    {
        if (_fault is not null)
            throw new InputException(_fault);
        int count = 0;
        try
        {
            while (count < into.Length && TryRead(ref into[count], wait: count == 0))
                count++;
        }
        catch (InputException fault)
        {
            _fault = fault;
            if (count == 0)
                throw;
        }
        return count;
    }

    public abstract void Dispose();

    /// <summary>Reads the next payment.</summary>
    /// <param name="wait">Whether it may wait for more input.</param>
    /// <returns>False at the end of the file or, without <paramref name="wait"/>, where it would have to wait.</returns>
    protected abstract bool TryRead(ref PaymentRecord record, bool wait);
}

/// <summary>What readers need to know beside the file.</summary>
internal sealed record PaymentReaderOptions
{
    /// <summary>The ledger's scales.</summary>
    public CurrencyScales Scales { get; init; } = new();

    /// <summary>Stream for records without an id (<see cref="StreamName"/>); 0: none was named.</summary>
    public ulong Stream { get; init; }

    /// <summary>Wallets of the accounts in a pain.001 file, which cannot be read without.</summary>
    public AccountsFile? Accounts { get; init; }

    /// <summary>The present, in ns since the epoch: a pain.001 payment that is to be executed later is refused.</summary>
    public required ulong ClockNs { get; init; }

    /// <summary>Takes what cannot be settled.</summary>
    public Action<InputRefusal>? Refused { get; init; }

    /// <summary>Takes what should be looked at.</summary>
    public Action<InputWarning>? Warned { get; init; }
}
