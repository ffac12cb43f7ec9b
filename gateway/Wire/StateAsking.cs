using Settlement.Engine;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;

namespace Settlement.Gateway.Wire;

/// <summary>Awaits answers of the settle thread.</summary>
internal static class StateAsking
{
    private const int RetryMs = 1;

    /// <summary>Reads the state between two blocks.</summary>
    /// <param name="pipeline">Whose state.</param>
    /// <param name="read">Runs on the settle thread: some hundred nanoseconds at most, and it must not throw.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="EngineStoppedException">Nobody will answer.</exception>
    public static async Task<T> AskAsync<T>(this Pipeline pipeline, Func<LedgerState, T> read, CancellationToken cancel)
    {
        var question = new Question<T>(read);
        while (!pipeline.TryAsk(question))
        {
            if (pipeline.Failure is { } failure)
                throw failure;
            if (question.IsOver)
                break;
            await Task.Delay(RetryMs, cancel).ConfigureAwait(false); // too many wait already
        }

        return await question.Answer.WaitAsync(cancel).ConfigureAwait(false);
    }

    private sealed class Question<T>(Func<LedgerState, T> read) : IStateQuery
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Answer => _answer.Task;

        public bool IsOver => _answer.Task.IsCompleted;

        public void Read(LedgerState state) => _answer.TrySetResult(read(state));

        public void Abandon() => _answer.TrySetException(new EngineStoppedException());
    }
}
