using System.Globalization;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
using Settlement.Engine.Replication;
using Settlement.Gateway.Serve;

namespace Settlement.Gateway.Cluster;

/// <summary>How a member's journal is audited while it runs, and repaired before it runs: blocks that its disk has lost come from the other members.</summary>
internal sealed partial class ClusterNode
{
    private const int RepairAgainMs = 2_000;

    /// <summary>Members that have all answered, and have no copy that fits, may have one soon: what is committed comes to them, too.</summary>
    private const int RepairTriesAnswered = 15;

    private static readonly TimeSpan s_copyTime = TimeSpan.FromSeconds(10);

    /// <summary>Reads the journal over and over.</summary>
    public IntegrityAudit Audit { get; }

    private IntegrityAudit StartAudit()
    {
        var audit = new IntegrityAudit(_log, _options.Audit.ToAudit(), () => CopiesAt(ContactsNow(), _identity, _stopping.Token), _tell);
        _log.Mend = audit.TryMend;
        return audit;
    }

    /// <summary>Opens the log; where a block that was durable is damaged, the other members are asked for it first.</summary>
    /// <exception cref="JournalException">It cannot be opened, and nobody has what is missing.</exception>
    private static ReplicaLog OpenLog(ServeOptions options, JournalOptions journal, DiskSignals disk, ClusterFolder folder, ClusterNote note, Action<string> tell, out RecoveryReport report)
    {
        try
        {
            return ReplicaLog.Open(options.JournalFolder, journal, disk, out report);
        }
        catch (JournalException damaged) when (damaged.IsDamage)
        {
            tell($"{damaged.Message} The other members are asked for what is damaged, and this node waits for them.");
            Repair(options, folder, note, damaged, tell);
            return ReplicaLog.Open(options.JournalFolder, journal, disk, out report);
        }
    }

    private static void Repair(ServeOptions options, ClusterFolder folder, ClusterNote note, JournalException damaged, Action<string> tell)
    {
        using NodeIdentity identity = NodeIdentity.Load(folder.Path);
        using MembersFile members = MembersFile.Open(folder.Path);
        ClusterContact[] contacts = [.. ContactsOf(note, members.Members, identity)];
        UInt128 ledger = UInt128.Parse(note.Ledger, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        var told = new HashSet<string>(StringComparer.Ordinal);
        for (int answered = 0; ;)
        {
            AuditFigures found = JournalRepair.Run(options.JournalFolder, ledger, null, () => CopiesAt(contacts, identity, CancellationToken.None), sentence =>
            {
                if (told.Add(sentence))
                    tell(sentence);
            });
            if (found.Standing.Count == 0)
                return;
            bool isSilent = found.Standing.Any(static damage => damage.IsWorthAskingAgain);
            if (!isSilent && ++answered == RepairTriesAnswered)
            {
                throw new JournalException(
                    $"{damaged.Message} No other member has a copy that fits: {found.Standing[0].NotRepaired}. To make this node anew, `cluster remove` it at another one, and join again with an empty folder.");
            }

            Thread.Sleep(RepairAgainMs);
        }
    }

    private static IEnumerable<ClusterContact> ContactsOf(ClusterNote note, MemberList members, NodeIdentity identity) => note.Contacts
        .Concat(members.All
            .Where(member => member.Pin != identity.Pin)
            .Select(member => (Bulk: BulkOf(member.Clients), Pin: member.Pin.ToString()))
            .Where(one => one.Bulk is not null)
            .Select(one => new ClusterContact(one.Bulk!, one.Pin)))
        .Distinct();

    /// <summary>Blocks as other members have them; what comes is believed only where the chain proves it.</summary>
    private static IReadOnlyList<BlockCopy> CopiesAt(IEnumerable<ClusterContact> contacts, NodeIdentity identity, CancellationToken stopping) =>
        [.. contacts.Select(contact => new BlockCopy($"the node at {contact.Bulk}", block => Fetch(contact, identity, block, stopping)))];

    private static byte[]? Fetch(ClusterContact contact, NodeIdentity identity, ulong block, CancellationToken stopping)
    {
        using var client = new BulkClient(contact.Bulk, contact.Pin, identity.Certificate);
        using var until = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        until.CancelAfter(s_copyTime);
        try
        {
            return client.BlockAsync(block, until.Token).GetAwaiter().GetResult();
        }
        catch (ClusterException refused)
        {
            throw new JournalException(refused.Message, refused);
        }
        catch (OperationCanceledException late)
        {
            throw new JournalException("it did not answer in time", late);
        }
    }
}
