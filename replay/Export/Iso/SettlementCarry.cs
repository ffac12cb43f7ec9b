using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.Export.Iso;

/// <summary>A net position in whole ISO units.</summary>
/// <param name="Participant">Index.</param>
/// <param name="Currency">ISO 4217 number.</param>
/// <param name="Net">As the batch's statement has it, after fees, in the smallest unit of the ledger.</param>
/// <param name="Fee">Inside the net; negative: earned.</param>
/// <param name="CarryIn">What earlier batches left over, in the smallest unit: positive is owed to the participant.</param>
/// <param name="Units">What is settled, in whole ISO units.</param>
/// <param name="CarryOut">Net and carry less what is settled.</param>
internal readonly record struct SettlementPosition(
    ushort Participant, ushort Currency, Int128 Net, Int128 Fee, Int128 CarryIn, Int128 Units, Int128 CarryOut);

/// <summary>
/// Net positions in whole ISO units, the rest carried to the same participant's next position: a function of the batches' statements, taken in order
/// from the first.
/// </summary>
/// <remarks>
/// Net and carry are settled down to whole units towards zero, so nobody pays or is paid more than they owe or are owed, and what a participant carries
/// is below a unit. The settlement agent, the operator, stands on the other side of every instruction: it settles what all others settle
/// together, with the sign turned, and carries the sum of their rests. So units and carries both sum to zero in every currency and batch.
/// </remarks>
internal sealed class SettlementCarry
{
    private readonly Dictionary<(ushort Participant, ushort Currency), Int128> _carry = []; // looked up, never walked
    private ulong _next = 1;

    /// <summary>Takes the next closed batch; gives its positions by participant, the operator's among them where it settles or nets anything.</summary>
    /// <exception cref="JournalException">Batches before it are missing, and a currency needs what they left over.</exception>
    public List<SettlementPosition> Settle(ClosedBatch batch, CurrencyList currencies)
    {
        var positions = new List<SettlementPosition>(batch.Net.Count + 1);
        var agent = new Dictionary<ushort, Int128>();
        bool gap = batch.Number != _next;
        foreach (NetPosition net in batch.Net)
        {
            Int128 unit = UnitOf(currencies, net.Currency);
            if (gap && unit > 1)
            {
                throw new JournalException(
                    $"The journal holds nothing of batches {_next} to {batch.Number - 1}: what they left over below a unit of "
                    + $"{Iso4217.LettersOf(net.Currency)} is not known. Export from an archive that begins with the ledger.");
            }

            if (net.Participant == Limits.OperatorParticipant)
                continue;
            Int128 carry = _carry.GetValueOrDefault((net.Participant, net.Currency));
            Int128 units = (net.Net + carry) / unit;
            agent[net.Currency] = agent.GetValueOrDefault(net.Currency) - units;
            positions.Add(Settled(net, carry, units, unit));
        }

        foreach (NetPosition net in AgentsOwn(batch))
        {
            Int128 carry = _carry.GetValueOrDefault((net.Participant, net.Currency));
            positions.Add(Settled(net, carry, agent.GetValueOrDefault(net.Currency), UnitOf(currencies, net.Currency)));
        }

        _next = batch.Number + 1;
        return positions;
    }

    private SettlementPosition Settled(NetPosition net, Int128 carry, Int128 units, Int128 unit)
    {
        Int128 rest = net.Net + carry - (units * unit);
        _carry[(net.Participant, net.Currency)] = rest;
        return new SettlementPosition(net.Participant, net.Currency, net.Net, net.Fee, carry, units, rest);
    }

    /// <summary>The agent's net in each currency of the batch: zero where the statement has none.</summary>
    private static IEnumerable<NetPosition> AgentsOwn(ClosedBatch batch)
    {
        foreach (ushort currency in batch.Net.Select(net => net.Currency).Distinct())
        {
            NetPosition own = batch.Net.FirstOrDefault(net => net.Participant == Limits.OperatorParticipant && net.Currency == currency);
            yield return own with { Participant = Limits.OperatorParticipant, Currency = currency };
        }
    }

    private static Int128 UnitOf(CurrencyList currencies, ushort currency) => new IsoCurrency(in currencies[currencies.IndexOf(currency)]).Unit;
}
