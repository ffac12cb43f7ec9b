using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Gateway.Http.Ledger;

/// <summary>What became of one slot.</summary>
internal readonly record struct SettledSlot(Outcome Outcome, ulong Sequence);

/// <summary>The running ledger as the HTTP API needs it: questions between two blocks, and slots in the ring.</summary>
internal interface ILedgerPort
{
    UInt128 LedgerId { get; }

    /// <summary>Asks the state between two blocks; the answer must hold no reference into it.</summary>
    /// <param name="read">On the settle thread: copies what it needs, in microseconds. What it throws reaches the asker alone.</param>
    /// <exception cref="LedgerUnavailableException">Too many questions wait, or the engine has stopped.</exception>
    Task<T> AskAsync<T>(Func<LedgerState, T> read);

    /// <summary>Puts slots into the ring, contiguous and in their order, and waits until they are durable and decided.</summary>
    /// <param name="slots">At most <see cref="Limits.BlockSlotsMax"/>; sessions are filled in already.</param>
    /// <exception cref="LedgerUnavailableException">The ring stays full, or the engine has stopped: see <see cref="LedgerUnavailableException.MayHaveHappened"/>.</exception>
    /// <exception cref="Serve.Roles.NotLeadingException">Another node takes writes; nothing was carried out.</exception>
    Task<SettledSlot[]> SubmitAsync(ReadOnlyMemory<Payment> slots);
}

/// <summary>The ledger cannot be asked now.</summary>
/// <param name="sentence">What is so.</param>
/// <param name="mayHaveHappened">Whether what was submitted may still be decided, or was.</param>
internal sealed class LedgerUnavailableException(string sentence, bool mayHaveHappened) : Exception(sentence)
{
    public bool MayHaveHappened { get; } = mayHaveHappened;
}
