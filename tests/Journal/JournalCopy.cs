using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Tests.Journal;

/// <summary>
/// A journal written again with other blocks, chain and CRC of which are right: what a disk fault cannot do, and somebody with write access can.
/// </summary>
internal static class JournalCopy
{
    /// <summary>Changes a block, or leaves it out by returning false. The body is its own, attachment included.</summary>
    public delegate bool Change(ref BlockHeader header, ref byte[] body);

    public static void Make(string from, string to, Change change)
    {
        using JournalReader reader = JournalReader.Open(from);
        FasterJournal? journal = null;
        try
        {
            while (reader.Next())
            {
                BlockHeader header = reader.Header;
                byte[] body = reader.Body.ToArray();
                if (!change(ref header, ref body))
                    continue;
                if (journal is null)
                    journal = FasterJournal.Create(to, reader.LedgerId, header.TimeNs, body, JournalOptions.Small);
                else
                    journal.Append(ref header, body, default);
            }

            Assert.That(reader.End!.Kind, Is.EqualTo(JournalEndKind.End));
            journal!.Commit();
            journal.WaitDurable(journal.LastBlock);
        }
        finally
        {
            journal?.Dispose();
        }
    }
}
