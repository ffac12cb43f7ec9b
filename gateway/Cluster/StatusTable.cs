using System.Globalization;

namespace Settlement.Gateway.Cluster;

/// <summary>What `cluster status` shows people.</summary>
internal static class StatusTable
{
    private const int PinLettersShown = 12;

    public static void Write(StatusReport report, TextWriter output)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ledger {report.Ledger}, term {report.Term}, {report.Elections} elections seen; this node: {report.Role}, {(report.IsReady ? "ready" : "not ready")}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"its log ends with block {report.LastBlock}; committed {report.CommittedBlock}, applied {report.AppliedBlock}, sequence {report.Sequence}"));
        if (report.AuditedUnixMs > 0)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"its files were read through at {DateTimeOffset.FromUnixTimeMilliseconds(report.AuditedUnixMs):yyyy-MM-dd'T'HH:mm:ss'Z'}; damaged blocks found {report.DamagedBlocks}, repaired {report.RepairedBlocks}"));
        if (report.Damage is { } damage)
            output.WriteLine($"DAMAGE: {damage}");
        string[][] rows =
        [
            ["", "node", "pin", "role", "block", "behind", "heard", "clients"],
            .. report.Members.Select(Row),
        ];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => column == row.Length - 1 ? cell : cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string[] Row(MemberReport member) =>
    [
        member.IsSelf ? "*" : "",
        member.Raft,
        member.Pin[..Math.Min(PinLettersShown, member.Pin.Length)],
        member.IsLeader ? "leader" : member.IsLearner ? "learner" : member.IsAvailable == false ? "not to be reached" : "follower",
        member.LastBlock?.ToString(CultureInfo.InvariantCulture) ?? "?",
        member.LagBlocks is not { } blocks ? "?" : blocks == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{blocks} blocks, {member.LagBytes ?? 0} bytes"),
        member.LagMs is not { } ms ? "?" : member.IsSelf ? "-" : string.Create(CultureInfo.InvariantCulture, $"{ms} ms"),
        member.Clients,
    ];
}
