using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.History;

namespace Settlement.Gateway.Http.Batches;

/// <summary>
/// Makes receipts as `replay prove` does: from the journal, read and applied again from the newest snapshot before the batch, beside the running engine. That takes about as
/// long as the batch took to fill, and once more the memory of the ledger, so receipts are made one at a time.
/// </summary>
/// <param name="journal">The journal's directory.</param>
internal sealed class ReceiptDesk(string journal) : IDisposable
{
    /// <summary>Requests that may wait for their turn; more are told to come again.</summary>
    private const int WaitingMax = 8;

    private readonly SemaphoreSlim _turn = new(1);
    private int _waiting; // interlocked

    /// <summary>The receipt of one accepted payment, as JSON, and the number of its batch.</summary>
    /// <param name="id">As payments' ids are printed.</param>
    /// <param name="sequence">Which of its uses.</param>
    /// <param name="cancel">Ends the waiting for a turn.</param>
    /// <exception cref="ProblemException">There is none (its batch is not sealed, say), it cannot be made now, or too many wait.</exception>
    public async Task<(string Receipt, ulong Batch)> MakeAsync(string id, ulong sequence, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw Problem.Missing("Receipts are made one at a time, and too many are asked for. Ask again in a moment.");
        }

        try
        {
            await _turn.WaitAsync(cancel);
            try
            {
                // A thread of its own: it reads and computes for seconds, and the pool's threads serve everybody.
                return await Task.Factory.StartNew(() => Make(id, sequence), cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _turn.Dispose();

    private (string Receipt, ulong Batch) Make(string id, ulong sequence)
    {
        try
        {
            Receipt receipt = ProveRun.Of(journal, id, sequence, progress: null, new CurrencyScales());
            return (receipt.ToJson(), receipt.Header.Number);
        }
        catch (UsageException none)
        {
            throw Problem.NotFound(none.Message);
        }
        catch (Exception fault) when (fault is JournalException or SnapshotException or LedgerBrokenException or IOException)
        {
            throw Problem.Missing($"The journal could not be read for the receipt: {fault.Message}");
        }
    }
}
