using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// `export` to ISO 20022: account statements, notifications, and settlement instructions, out of the journal alone. The same journal and request give
/// the same bytes on any machine and day: ids are hashes of what they are about, times are block times.
/// </summary>
internal static class IsoExport
{
    /// <exception cref="UsageException">The request cannot be carried out; nothing was written.</exception>
    /// <exception cref="Engine.Journal.JournalException">The journal is damaged, or does not reach back far enough; nothing was written.</exception>
    public static IsoSummary Run(IsoRequest request)
    {
        request.Check();
        using var folder = new IsoFolder(request.Out, request.Force);
        IsoSummary summary = request.Format == IsoFormat.Pacs009 ? SettlementExport.Run(request, folder) : CamtExport.Run(request, folder);
        folder.Publish();
        return summary;
    }
}
