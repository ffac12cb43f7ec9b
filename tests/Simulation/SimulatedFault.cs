using System.Globalization;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>What goes wrong in a simulated run.</summary>
internal enum FaultKind
{
    /// <summary>Power goes between two writes.</summary>
    PowerCut,

    /// <summary>Power goes inside a write: any of its sectors, or any first or last bytes, reach the disk.</summary>
    PowerCutInWrite,

    /// <summary>Power goes right behind a write, before whoever asked for it goes on.</summary>
    PowerCutAfterWrite,

    /// <summary>A write returns an error; nothing reaches the disk.</summary>
    WriteFails,

    /// <summary>A write returns that a part was written, and it was.</summary>
    WriteIsShort,

    /// <summary>Writes return that there is no room, until the machine is started again.</summary>
    DiskFull,

    /// <summary>The machine is restarted in good order.</summary>
    Restart,

    /// <summary>Taking a snapshot is cut short at any of its steps.</summary>
    SnapshotCutShort,

    ClockForward,
    ClockBack,

    /// <summary>Nothing runs for a while; then all goes on.</summary>
    Pause,

    /// <summary>A write is called durable, and never reaches the disk.</summary>
    LostWrite,

    /// <summary>A write is called durable, and has reached another place.</summary>
    MisdirectedWrite,

    /// <summary>At rest, a bit of a file becomes another.</summary>
    FlippedBit,

    /// <summary>At rest, a sector of a file becomes an older or another one, or zeros.</summary>
    FlippedSector,

    /// <summary>Power goes for all replicas at once.</summary>
    PowerCutForAll,

    /// <summary>Power goes for all for a moment, so that an election follows; and once more for one of them, right behind its vote for another.</summary>
    PowerCutInElection,

    /// <summary>Power goes in the midst of a replica's next replacing of its log's end, at any of its steps.</summary>
    PowerCutInSuffixCut,

    /// <summary>A replica is cut off from all others.</summary>
    Isolated,

    /// <summary>The replicas fall apart into two groups.</summary>
    Parted,

    /// <summary>Messages in one direction between two replicas are lost.</summary>
    OneWayLoss,

    /// <summary>For a while, many messages are lost, doubled and late.</summary>
    Storm,
}

/// <summary>
/// One thing that goes wrong. A run is a function of its seed and its list of faults, each of which has its own chance: so one can be left out and the others stay
/// what they are.
/// </summary>
/// <param name="Number">Its place in the seed's list, from 1: what `--faults` names.</param>
/// <param name="Kind">What.</param>
/// <param name="Replica">Whose.</param>
/// <param name="Step">Before which step of the run.</param>
/// <param name="Writes">For what strikes a write: how many writes of that replica come before it.</param>
/// <param name="Seed">Of what else is chance in it.</param>
internal sealed record SimulatedFault(int Number, FaultKind Kind, int Replica, int Step, int Writes, ulong Seed)
{
    /// <summary>Whether it is one that a lone replica must survive: power, restarts, time, and a disk that says that it failed.</summary>
    public bool IsSurvivedAlone => Kind < FaultKind.LostWrite;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Number}: {Kind}, replica {Replica}, step {Step}{(StrikesWrite ? $", write {Writes}" : "")}");

    public bool StrikesWrite => Kind is FaultKind.PowerCutInWrite or FaultKind.PowerCutAfterWrite or FaultKind.WriteFails or FaultKind.WriteIsShort
        or FaultKind.DiskFull or FaultKind.LostWrite or FaultKind.MisdirectedWrite;

    private static readonly FaultKind[] s_crashes =
    [
        FaultKind.PowerCut, FaultKind.PowerCutInWrite, FaultKind.PowerCutInWrite, FaultKind.PowerCutInWrite, FaultKind.PowerCutAfterWrite, FaultKind.PowerCutAfterWrite,
        FaultKind.Restart, FaultKind.WriteFails, FaultKind.WriteIsShort, FaultKind.DiskFull, FaultKind.SnapshotCutShort, FaultKind.ClockForward,
        FaultKind.ClockBack, FaultKind.Pause,
    ];

    private static readonly FaultKind[] s_damages =
        [FaultKind.LostWrite, FaultKind.MisdirectedWrite, FaultKind.FlippedBit, FaultKind.FlippedBit, FaultKind.FlippedSector];

    private static readonly FaultKind[] s_network =
        [FaultKind.Isolated, FaultKind.Isolated, FaultKind.Parted, FaultKind.OneWayLoss, FaultKind.Storm, FaultKind.PowerCutForAll,
        FaultKind.PowerCutInElection, FaultKind.PowerCutInSuffixCut];

    /// <summary>The faults of a seed.</summary>
    /// <param name="random">Of the faults alone.</param>
    /// <param name="steps">Of the run.</param>
    /// <param name="replicas">How many there are.</param>
    /// <param name="damages">How many disks' lies and damages there may be; they all strike one replica, so that the others are good copies.</param>
    public static SimulatedFault[] Plan(SeededRandom random, int steps, int replicas, int damages)
    {
        int crashes = random.Between(1, replicas == 1 ? 7 : 5);
        int partings = replicas == 1 ? 0 : random.Between(1, 4);
        int damaged = random.Below(replicas);
        var faults = new List<(FaultKind Kind, int Replica)>();
        for (int i = 0; i < crashes; i++)
            faults.Add((random.Pick(s_crashes), random.Below(replicas)));
        for (int i = 0; i < partings; i++)
            faults.Add((random.Pick(s_network), random.Below(replicas)));
        for (int i = 0; i < damages; i++)
            faults.Add((random.Pick(s_damages), damaged));
        int[] at = [.. faults.Select(_ => random.Between(2, steps - 1)).Order()];
        return [.. faults.Select((fault, index) => (fault, random.Next())).OrderBy(one => one.Item2)
            .Select((one, index) => new SimulatedFault(index + 1, one.fault.Kind, one.fault.Replica, at[index], random.Below(6), random.Next()))];
    }
}
