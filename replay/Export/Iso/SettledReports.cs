using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>Batches that a block reports settled: their money has moved outside.</summary>
internal static class SettledReports
{
    /// <returns>The batch, and the command's sequence, of each report in the block applied last that was accepted.</returns>
    public static IEnumerable<(ulong Batch, ulong Sequence)> In(JournalWalk walk)
    {
        if (walk.Header.Kind != BlockKind.Control)
            return [];
        var reports = new List<(ulong, ulong)>();
        ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<Payment, ControlCommand>(walk.Slots);
        for (int i = 0; i < commands.Length; i += 1 + commands[i].ContinuationSlots)
        {
            if (commands[i].Instruction == Instruction.SettledBatch && walk.Outcomes[i].Verdict == Verdict.Accepted)
                reports.Add((commands[i].Subject, walk.Header.FirstSequence + (ulong)i));
        }

        return reports;
    }
}
