using Settlement.Engine.Ledger;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>Counts that only the settle thread can tell, as it last told them.</summary>
/// <remarks>
/// Failure assumed: the settle thread is busy or has stopped. Then the figures are those of before: a metric is never what somebody waits for long.
/// </remarks>
internal sealed class LedgerFigures(LedgerEngine engine)
{
    private const int WaitMs = 250;

    private volatile Counts _now = new();

    public Counts Now => _now;

    /// <summary>Asks for newer figures, and waits a little for them.</summary>
    public async Task RefreshAsync()
    {
        var question = new Question(this);
        if (engine.TryAsk(question))
            await Task.WhenAny(question.Done, Task.Delay(WaitMs)).ConfigureAwait(false);
    }

    /// <summary>Asks for newer figures, for whoever reads next.</summary>
    public void Refresh() => engine.TryAsk(new Question(this));

    /// <summary>As of one block.</summary>
    internal sealed record Counts
    {
        public ulong Sequence { get; init; }

        /// <summary>Number of the open batch.</summary>
        public ulong Batch { get; init; } = 1;

        /// <summary>Payments accepted in it.</summary>
        public ulong BatchPayments { get; init; }

        public int Accounts { get; init; }

        public int AccountsMax { get; init; }

        /// <summary>Payments that moved data to a lower level: an exit, counted.</summary>
        public ulong Declassified { get; init; }
    }

    private sealed class Question(LedgerFigures figures) : IStateQuery
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        public void Read(LedgerState state)
        {
            figures._now = new Counts
            {
                Sequence = state.Sequence,
                Batch = state.Batch.Number,
                BatchPayments = state.Batch.Accepted,
                Accounts = state.Accounts.Count,
                AccountsMax = state.Accounts.AccountsMax,
                Declassified = state.DeclassifiedCount,
            };
            _done.TrySetResult();
        }

        public void Abandon() => _done.TrySetResult();
    }
}
