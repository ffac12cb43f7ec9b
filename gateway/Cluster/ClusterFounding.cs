using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Gateway.Init;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Cluster;

/// <summary>Makes folders of nodes: of a cluster's first one, and of one that joins.</summary>
/// <remarks>
/// Invariant: a folder is a node's when its note is there, which is written last; before that either verb can be begun again. Neither touches a folder that is a node's already, nor the journal of
/// another ledger.
/// </remarks>
internal static class ClusterFounding
{
    /// <summary>A ledger that is there, or a new one, gets its first node.</summary>
    /// <exception cref="UsageException">The folder is a node's already.</exception>
    /// <exception cref="JournalException">The server runs, or the journal cannot be opened.</exception>
    public static ClusterNote Found(ServeOptions options, string raft, string bulk, out string pin)
    {
        ClusterFolder folder = Unused(options.Data!);
        NodeAddresses clients = ClientsOf(raft, bulk, options);
        (UInt128 ledgerId, ulong last) = FasterJournal.Exists(folder.JournalPath)
            ? EndOf(folder.JournalPath)
            : (LedgerFounding.Found(folder.JournalPath, options.NodeKey, options.AccountsMax, BlockClock.System).LedgerId, 0);
        using NodeIdentity identity = NewIdentity(folder, ledgerId);
        pin = identity.Pin.ToString();
        MembersFile.Create(folder.Path, MemberList.Empty.With(MemberOf(raft, identity.Pin, clients, isLearner: false)), (long)last);
        var note = new ClusterNote { Ledger = Text(ledgerId), Raft = raft, Bulk = bulk, Clients = clients.ToString() };
        folder.WriteSettings(options);
        folder.WriteNote(note);
        return note;
    }

    /// <summary>An empty folder becomes a copy of a cluster's ledger.</summary>
    /// <exception cref="UsageException">The folder is not empty enough.</exception>
    /// <exception cref="ClusterException">The member cannot be reached, is not the one expected, or refuses.</exception>
    public static async Task<ClusterNote> JoinAsync(ServeOptions options, string raft, string bulk, ClusterContact contact, string secret, bool isLearner, Action<string> tell)
    {
        ClusterFolder folder = Unused(options.Data!);
        NodeAddresses clients = ClientsOf(raft, bulk, options);
        UInt128 ledgerId;
        using (var first = new BulkClient(contact.Bulk, contact.Pin, null))
            ledgerId = await first.LedgerAsync(CancellationToken.None).ConfigureAwait(false);
        if (FasterJournal.Exists(folder.JournalPath))
        {
            UInt128 there = LedgerOf(folder.JournalPath);
            throw new UsageException(there == ledgerId
                ? $"'{folder.JournalPath}' holds a journal of this ledger already. A node begins with what the others give it: take an empty folder, or move the journal away."
                : $"'{folder.JournalPath}' holds ledger {Text(there)}, and the cluster's is {Text(ledgerId)}: nothing was changed. Take an empty folder.");
        }

        using NodeIdentity identity = OpenOrMakeIdentity(folder, ledgerId);
        using var client = new BulkClient(contact.Bulk, contact.Pin, identity.Certificate);
        JoinAnswer answer = await client.JoinAsync(new JoinRequest { Secret = secret, Raft = raft, Clients = clients.ToString(), Learner = isLearner }, CancellationToken.None).ConfigureAwait(false);
        await SeedFetch.FillAsync(folder, client, ledgerId, 0, tell, CancellationToken.None).ConfigureAwait(false);
        if (answer.SealKey is { } key)
            WriteSealKey(options.NodeKey ?? Path.Combine(folder.JournalPath, NodeKeyFile.PrivateName), key);
        MembersFile.Create(folder.Path, ListOf(answer.Members), answer.MembersBlock);
        var note = new ClusterNote { Ledger = Text(ledgerId), Raft = raft, Bulk = bulk, Clients = clients.ToString(), Learner = isLearner, Contacts = [contact] };
        folder.WriteSettings(options);
        folder.WriteNote(note);
        return note;
    }

    /// <summary>Another node's members, as it reported them.</summary>
    public static MemberList ListOf(IEnumerable<MemberReport> members) => members.Aggregate(
        MemberList.Empty,
        static (list, member) => list.With(MemberOf(member.Raft, Digest.From(Convert.FromHexString(member.Pin)), member.Clients.Split(' ', StringSplitOptions.RemoveEmptyEntries), member.IsLearner)));

    public static string Text(UInt128 ledgerId) => ledgerId.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>Of a journal that is there.</summary>
    public static UInt128 LedgerOf(string journal) => JournalFiles.ReadLayout(journal, null).LedgerId;

    /// <summary>Of a ledger that is there, maybe a backup of a cluster's: then it states members who are not of this one, and the first list must be younger than theirs.</summary>
    private static (UInt128 LedgerId, ulong LastBlock) EndOf(string journal)
    {
        using ReplicaLog log = ReplicaLog.Open(journal, JournalOptions.Default, new DiskSignals(WaitStrategyKind.Phased), out _);
        return (log.LedgerId, log.LastBlock);
    }

    private static ClusterFolder Unused(string data)
    {
        var folder = new ClusterFolder(data);
        return folder.Exists
            ? throw new UsageException($"'{data}' is a node's of a cluster already, of ledger {folder.ReadNote().Ledger}: `cluster status --data {data}` shows it while it runs.")
            : folder;
    }

    /// <summary>Clients' ports, and the bulk port: all in the words of a ready line, each a word of the member's entry.</summary>
    private static NodeAddresses ClientsOf(string raft, string bulk, ServeOptions options)
    {
        string host = ClusterNode.EndPointOf(raft).Address.ToString();
        string all = $"{ClusterNode.BulkName}{ClusterNode.EndPointOf(bulk)} {ClusterFolder.ClientsOf(host, options)}";
        return NodeAddresses.TryParse(all, out NodeAddresses? addresses) ? addresses : throw new UsageException($"'{all}': these addresses cannot be told to others.");
    }

    private static PinnedEndPoint MemberOf(string raft, Digest pin, NodeAddresses clients, bool isLearner) =>
        MemberOf(raft, pin, clients.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries), isLearner);

    private static PinnedEndPoint MemberOf(string raft, Digest pin, string[] clients, bool isLearner)
    {
        System.Net.IPEndPoint address = ClusterNode.EndPointOf(raft);
        return new PinnedEndPoint(address.Address, address.Port, pin, clients, isLearner);
    }

    /// <summary>A first node's is always new: what an attempt before has left names maybe another ledger.</summary>
    private static NodeIdentity NewIdentity(ClusterFolder folder, UInt128 ledgerId)
    {
        if (Directory.Exists(folder.Path))
            Directory.Delete(folder.Path, recursive: true);
        return NodeIdentity.Create(folder.Path, ledgerId);
    }

    /// <summary>A join that was cut off goes on with the key that was let in.</summary>
    private static NodeIdentity OpenOrMakeIdentity(ClusterFolder folder, UInt128 ledgerId)
    {
        if (NodeIdentity.Exists(folder.Path))
        {
            NodeIdentity made = NodeIdentity.Load(folder.Path);
            if (made.LedgerId == ledgerId)
                return made;
            made.Dispose();
        }

        return NewIdentity(folder, ledgerId);
    }

    private static void WriteSealKey(string path, string pem)
    {
        if (File.Exists(path))
            return; // from an attempt before
        string unfinished = $"{path}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(unfinished, options))
        {
            file.Write(Encoding.ASCII.GetBytes(pem));
            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path);
    }
}
