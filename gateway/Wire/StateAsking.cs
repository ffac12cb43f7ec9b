using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Wire;

/// <summary>Awaits answers of the settle thread.</summary>
internal static class StateAsking
{
    private const int RetryMs = 1;

    /// <summary>Reads the state between two blocks, in whatever role this node is.</summary>
    /// <param name="engine">Whose state.</param>
    /// <param name="read">Runs on the settle thread: some hundred nanoseconds at most, and it must not throw.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="EngineStoppedException">Nobody will answer.</exception>
    public static async Task<T> AskAsync<T>(this LedgerEngine engine, Func<LedgerState, T> read, CancellationToken cancel)
    {
        while (true)
        {
            var question = new Question<T>(read);
            while (!engine.TryAsk(question))
            {
                if (engine.Failure is { } failure)
                    throw failure;
                if (question.IsOver)
                    break;
                await Task.Delay(RetryMs, cancel).ConfigureAwait(false); // too many wait already, or the role changes
            }

            try
            {
                return await question.Answer.WaitAsync(cancel).ConfigureAwait(false);
            }
            catch (EngineStoppedException) when (engine.SurvivesRoles && engine.Failure is null)
            {
                await Task.Delay(RetryMs, cancel).ConfigureAwait(false);
            }
        }
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
