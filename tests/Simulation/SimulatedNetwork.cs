using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>
/// Messages between replicas: late, out of order, now and then lost or doubled; and lost for certain where a fault parts the replicas.
/// </summary>
internal sealed class SimulatedNetwork(SeededRandom random, int count)
{
    private readonly ulong[,] _cutUntilNs = new ulong[count, count];
    private ulong _stormUntilNs;
    private bool _isHealed;

    /// <summary>When copies of a message arrive; empty: it is lost.</summary>
    public IEnumerable<ulong> Arrivals(ClusterMessage message, ulong nowNs)
    {
        bool storms = nowNs < _stormUntilNs;
        bool isLost = nowNs < _cutUntilNs[message.From, message.To] || (!_isHealed && random.Percent(storms ? 35 : 1));
        int copies = isLost ? 0 : !_isHealed && random.Percent(storms ? 30 : 1) ? 2 : 1;
        for (int i = 0; i < copies; i++)
            yield return nowNs + Delay(storms);
    }

    private ulong Delay(bool storms)
    {
        ulong usual = random.Between(100_000UL, 30_000_000);
        return !_isHealed && random.Percent(storms ? 40 : 2) ? usual + random.Below(4 * Limits.NsPerSecond) : usual;
    }

    public void Part(SimulatedFault fault, ulong nowNs)
    {
        var chance = new SeededRandom(fault.Seed);
        ulong until = nowNs + chance.Between(1UL, 60) * Limits.NsPerSecond;
        if (fault.Kind == FaultKind.Storm)
        {
            _stormUntilNs = until;
            return;
        }

        int other = (fault.Replica + chance.Between(1, count - 1)) % count;
        bool[] side = [.. Enumerable.Range(0, count).Select(replica => fault.Kind == FaultKind.Isolated ? replica == fault.Replica : chance.OneIn(2))];
        for (int from = 0; from < count; from++)
        {
            for (int to = 0; to < count; to++)
            {
                bool isCut = fault.Kind == FaultKind.OneWayLoss ? from == fault.Replica && to == other : side[from] != side[to];
                if (isCut)
                    _cutUntilNs[from, to] = until;
            }
        }
    }

    /// <summary>From now on every message arrives.</summary>
    public void Heal()
    {
        Array.Clear(_cutUntilNs);
        (_stormUntilNs, _isHealed) = (0, true);
    }
}
