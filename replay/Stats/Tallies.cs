using System.Runtime.InteropServices;

namespace Settlement.Replay.Stats;

/// <summary>How many payments, how many of them accepted, and their amounts by currency (order of declaration; 0 holds none).</summary>
internal sealed class Tally(int currencies)
{
    private readonly UInt128[] _amounts = new UInt128[currencies + 1];

    public long Count { get; private set; }

    public long Accepted { get; private set; }

    public UInt128 this[int currencyIndex] => _amounts[currencyIndex];

    /// <param name="currencyIndex">0: a currency that the ledger does not have; its amount is no money.</param>
    /// <param name="amount">Smallest units.</param>
    /// <param name="accepted">Whether the payment was.</param>
    public void Add(int currencyIndex, ulong amount, bool accepted)
    {
        Count++;
        Accepted += accepted ? 1 : 0;
        if (currencyIndex != 0)
            _amounts[currencyIndex] += amount;
    }
}

/// <summary>What moved from one side to another in one currency.</summary>
internal readonly record struct Flow(ushort From, ushort To, ushort Currency, long Count, UInt128 Amount);

/// <summary>
/// Sums by (from, to, currency): corridors between countries, flows between participants. Memory has a bound: beyond <see cref="FlowsMax"/> different ones,
/// new ones are counted together.
/// </summary>
internal sealed class FlowTable
{
    /// <summary>48 bytes each: some 12 MiB.</summary>
    public const int FlowsMax = 1 << 18;

    private readonly Dictionary<ulong, (long Count, UInt128 Amount)> _flows = [];

    /// <summary>Payments of flows that found no room.</summary>
    public long UnlistedCount { get; private set; }

    public void Add(ushort from, ushort to, ushort currency, ulong amount)
    {
        ulong key = ((ulong)from << 32) | ((ulong)to << 16) | currency;
        if (_flows.Count == FlowsMax && !_flows.ContainsKey(key))
        {
            UnlistedCount++;
            return;
        }

        ref (long Count, UInt128 Amount) flow = ref CollectionsMarshal.GetValueRefOrAddDefault(_flows, key, out _);
        flow.Count++;
        flow.Amount += amount;
    }

    /// <summary>The most frequent first; equals in order of their numbers.</summary>
    public IReadOnlyList<Flow> ByCount() =>
    [
        .. _flows.OrderByDescending(flow => flow.Value.Count).ThenBy(flow => flow.Key)
            .Select(flow => new Flow((ushort)(flow.Key >> 32), (ushort)(flow.Key >> 16), (ushort)flow.Key, flow.Value.Count, flow.Value.Amount)),
    ];
}
