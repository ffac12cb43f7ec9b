using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Engine.Governance;

/// <summary>
/// Texts of versions that the law book does not hold any more: they stand in the journal, in the commands that proposed them.
/// </summary>
/// <remarks>Failure assumed: the journal was cut in front of the proposal, or is damaged; then there is no text, and the caller says so.</remarks>
public static class ProposedTexts
{
    /// <summary>The text of a proposal.</summary>
    /// <param name="proposal">Of a law book of that journal's ledger.</param>
    /// <param name="reader">At or before the block of the proposal; it is read up to there.</param>
    /// <returns>Null: the proposal has none, or the journal does not have the command.</returns>
    public static LawText? Find(Proposal proposal, JournalReader reader)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        ArgumentNullException.ThrowIfNull(reader);
        if (proposal.Text is { } held)
            return held;
        if (!proposal.HasText)
            return null;
        ulong last = proposal.Steps[0].Sequence;
        while (reader.Next())
        {
            ref readonly BlockHeader header = ref reader.Header;
            if (header.FirstSequence > last)
                return null;
            if (header.Kind == BlockKind.Control && last < header.FirstSequence + header.Count)
                return FindIn(reader.Body, (int)(last - header.FirstSequence)) is { } text && text.Hash == proposal.TextHash ? text : null;
        }

        return null;
    }

    /// <param name="body">Of a control block.</param>
    /// <param name="lastSlot">Of the command, in the block.</param>
    private static LawText? FindIn(ReadOnlySpan<byte> body, int lastSlot)
    {
        ReadOnlySpan<ControlCommand> slots = MemoryMarshal.Cast<byte, ControlCommand>(body[..(body.Length / Payment.Size * Payment.Size)]);
        for (int slot = 0; slot <= lastSlot && slot < slots.Length;)
        {
            int next = slot + 1 + slots[slot].ContinuationSlots;
            if (next == lastSlot + 1)
            {
                ReadOnlySpan<byte> payload = body.Slice((slot + 1) * Payment.Size, (int)slots[slot].ContinuationBytes);
                return ProposalCommand.TryDecode(payload, out ProposalCommand? command)
                    ? new LawText(command.Payload.Name, command.Payload.Version, command.Payload.Content)
                    : null;
            }

            slot = next;
        }

        return null;
    }
}
