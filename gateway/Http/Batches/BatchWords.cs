using System.Collections.Concurrent;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Http.Payments;

namespace Settlement.Gateway.Http.Batches;

/// <summary>A closed batch as it is told to a caller: a participant's own positions; gross values, all positions and the state hash to the operator alone.</summary>
/// <remarks>The state hash is of everything in the ledger, and gross of every participant's payments: both would tell a participant of others' data.</remarks>
internal sealed class BatchWords(ILedgerPort port, PaymentReading reading)
{
    private readonly ConcurrentDictionary<ushort, string> _names = new(); // participants' names never change

    public async Task<BatchAnswer> DescribeAsync(ClosedBatch batch, Caller caller)
    {
        var positions = new List<PositionAnswer>();
        foreach (NetPosition net in batch.Net.Where(net => caller.SeesPositionsOf(net.Participant)))
        {
            int scale = await reading.ScaleAsync(net.Currency);
            positions.Add(new PositionAnswer
            {
                Participant = await NameOfAsync(net.Participant),
                Currency = LedgerText.CurrencyOf(net.Currency),
                Net = AmountText.ToText(net.Net, scale),
                Fee = AmountText.ToText(net.Fee, scale),
            });
        }

        List<MoneyAnswer>? gross = null;
        if (caller.IsOperator)
        {
            gross = [];
            foreach (GrossValue value in batch.Gross)
                gross.Add(new MoneyAnswer { Currency = LedgerText.CurrencyOf(value.Currency), Amount = AmountText.ToText((Int128)value.Amount, await reading.ScaleAsync(value.Currency)) });
        }

        return new BatchAnswer
        {
            Batch = Exact.Of(batch.Number),
            FirstSequence = Exact.Of(batch.FirstSequence),
            LastSequence = Exact.Of(batch.LastSequence),
            Opened = TimeText.Format(batch.OpenedNs),
            Closed = TimeText.Format(batch.ClosedNs),
            Count = Exact.Of(batch.Count),
            Accepted = Exact.Of(batch.Accepted),
            Root = batch.Root.ToString(),
            RulesHash = batch.RulesHash.ToString(),
            StateHash = caller.IsOperator ? batch.StateHash.ToString() : null,
            Gross = gross,
            Positions = positions,
        };
    }

    public async Task<string> NameOfAsync(ushort participant)
    {
        if (!_names.TryGetValue(participant, out string? name))
            _names[participant] = name = await port.AskAsync(state => state.Participants.NameOf(participant));
        return name;
    }
}
