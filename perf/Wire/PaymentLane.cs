using System.Diagnostics;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>One connection of the load, with a stream of its own: counts what is answered, and holds every verdict to be acceptance.</summary>
internal sealed class PaymentLane : IAsyncDisposable
{
    private static readonly WriterOptions s_default = new() { OnVerdicts = static (_, _) => { } };

    private readonly SettlementClient _client;
    private PaymentWriter _writer = null!;
    private long _refused; // written by: the receiving task
    private Verdict _refusal;
    private ulong _answeredNext;
    private long _answered;

    private PaymentLane(SettlementClient client) => _client = client;

    /// <summary>Payments written and not answered, at most, unless it is opened with another bound.</summary>
    public static int UnderWayMax => s_default.UnderWayMax;

    public PaymentWriter Writer => _writer;

    /// <summary>Told each answer: the first payment's place in the lane, from 0, and how many follow it.</summary>
    public Action<long, int>? Answered { get; set; }

    public long AnsweredCount => Volatile.Read(ref _answered);

    /// <param name="options">Of the connection.</param>
    /// <param name="stream">Its name; new to the ledger.</param>
    /// <param name="underWayMax">Bounds what is written and not answered; 0: as the client has it.</param>
    public static async Task<PaymentLane> OpenAsync(ClientOptions options, ulong stream, int underWayMax = 0)
    {
        var lane = new PaymentLane(await SettlementClient.ConnectAsync(options).ConfigureAwait(false));
        var writing = new WriterOptions { OnVerdicts = lane.Take };
        lane._writer = await lane._client.OpenWriterAsync(stream, underWayMax == 0 ? writing : writing with { UnderWayMax = underWayMax }).ConfigureAwait(false);
        lane._answeredNext = lane._writer.NextNumber;
        return lane;
    }

    /// <exception cref="CheckFailedException">Something was refused, or the connection broke.</exception>
    public void Verify(long writtenCount)
    {
        if (_refused > 0)
            throw new CheckFailedException($"{_refused} payments that should pass were refused, the last as {_refusal}");
        if (_answered != writtenCount)
            throw new CheckFailedException($"{writtenCount} payments were written and {_answered} answered");
        if (_client.Reconnects > 0)
            throw new CheckFailedException("the connection broke");
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync().ConfigureAwait(false);
        await _client.DisposeAsync().ConfigureAwait(false);
    }

    private void Take(ReadOnlySpan<Payment> payments, ReadOnlySpan<PaymentVerdict> verdicts)
    {
        foreach (ref readonly PaymentVerdict verdict in verdicts)
        {
            if (verdict.Verdict == Verdict.Accepted)
                continue;
            _refused++;
            _refusal = verdict.Verdict;
        }

        // Answers come in the order of the stream: a gap or a repeat would be a verdict lost or told twice.
        if (payments[0].IdLow != _answeredNext || payments[^1].IdLow != _answeredNext + (ulong)payments.Length - 1)
            _refused++;
        _answeredNext += (ulong)payments.Length;
        Answered?.Invoke(_answered, payments.Length);
        Volatile.Write(ref _answered, _answered + payments.Length);
        Debug.Assert(payments.Length == verdicts.Length);
    }
}
