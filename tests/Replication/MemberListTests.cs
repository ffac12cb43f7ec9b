using System.Net;
using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Engine.Replication;

namespace Settlement.Tests.Replication;

/// <summary>Lists of members: their bytes, their file, and which one counts.</summary>
internal sealed class MemberListTests
{
    private static PinnedEndPoint Member(int number, bool isLearner = false) =>
        new(IPAddress.Parse(number % 2 == 0 ? $"10.0.0.{number}" : $"fd00::{number}"), 7720 + number, Digest.From(SHA256.HashData([(byte)number])), [$"host{number}:7700", $"https://host{number}"], isLearner);

    [Test]
    public void A_list_is_read_as_it_was_written()
    {
        MemberList list = Enumerable.Range(1, 5).Aggregate(MemberList.Empty, static (all, number) => all.With(Member(number, isLearner: number == 4))).HandingOverTo(Member(2));
        MemberList read = MemberList.Decode(list.Bytes.Span);
        Assert.That(read.All.Select(Told), Is.EqualTo(list.All.Select(Told)));
        Assert.That((read.Successor, read.Voters.Count, read.Members.Count), Is.EqualTo((Member(2).Pin, 4, 4)));
        Assert.That(read.Members.Contains(Member(4)), Is.False, "the library does not see learners");
        Assert.That(MemberList.Decode(default).All, Is.Empty);
    }

    [Test]
    public void Bytes_that_are_cut_or_too_many_are_no_list()
    {
        byte[] bytes = MemberList.Empty.With(Member(1)).With(Member(2)).Bytes.ToArray();
        for (int length = 1; length < bytes.Length; length++)
            Assert.That(() => MemberList.Decode(bytes.AsSpan(0, length)), Throws.TypeOf<ClusterException>(), $"{length} bytes");
        Assert.That(() => MemberList.Decode([.. bytes, 0]), Throws.TypeOf<ClusterException>());
    }

    [Test]
    public void A_member_takes_the_place_of_one_with_its_address_or_its_key()
    {
        MemberList list = MemberList.Empty.With(Member(1)).With(Member(2, isLearner: true));
        Assert.That(list.With(Member(2)).Voters, Has.Count.EqualTo(2));
        var moved = new PinnedEndPoint(IPAddress.Loopback, 9, Member(1).Pin, []);
        Assert.That(list.With(moved).All.Select(static member => member.Port), Is.EqualTo((int[])[7722, 9]));
        Assert.That(list.Without(Member(2)).All, Has.Count.EqualTo(1));
        Assert.That(() => Enumerable.Range(1, 33).Aggregate(MemberList.Empty, static (all, number) => all.With(Member(number))), Throws.TypeOf<ClusterException>());
        Assert.That(() => new PinnedEndPoint(IPAddress.Loopback, 9, default, ["a b"]), Throws.ArgumentException);
    }

    [Test]
    public async Task Of_two_lists_the_later_counts_and_is_on_disk()
    {
        using var folder = new TemporaryFolder();
        MemberList one = MemberList.Empty.With(Member(1)), two = one.With(Member(2));
        Assert.That(() => MembersFile.Open(folder.Path), Throws.TypeOf<ClusterException>().With.Message.Contains("belongs to no cluster"));
        MembersFile.Create(folder.Path, one, 3);
        using (MembersFile file = MembersFile.Open(folder.Path))
        {
            Assert.That(await file.SaveAsync(two, 3, CancellationToken.None), Is.False);
            Assert.That(file.Members.All, Has.Count.EqualTo(1));
            Assert.That(await file.SaveAsync(two, 7, CancellationToken.None), Is.True);
            Assert.That(await file.SaveAsync(one, 6, CancellationToken.None), Is.False);
        }

        using (MembersFile file = MembersFile.Open(folder.Path))
            Assert.That((file.Version, file.Members.All.Count), Is.EqualTo((7L, 2)));
        string path = folder.PathOf("members");
        byte[] bytes = await File.ReadAllBytesAsync(path);
        for (int i = 0; i < bytes.Length; i += 7)
        {
            bytes[i] ^= 1;
            await File.WriteAllBytesAsync(path, bytes);
            Assert.That(() => MembersFile.Open(folder.Path), Throws.TypeOf<ClusterException>().With.Message.Contains("damaged"), $"byte {i}");
            bytes[i] ^= 1;
        }
    }

    [Test]
    public async Task Whoever_gives_up_while_a_list_is_saved_the_library_hears_of_it()
    {
        using var folder = new TemporaryFolder();
        MembersFile.Create(folder.Path, MemberList.Empty.With(Member(1)), 3);
        using MembersFile file = MembersFile.Open(folder.Path);
        using var gone = new CancellationTokenSource();
        file.Changed += _ => gone.Cancel();
        var channel = System.Threading.Channels.Channel.CreateUnbounded<object>();
        file.ConfigurationChanged += (list, token) => channel.Writer.WriteAsync(list, token); // as the library does
        Assert.That(await file.SaveAsync(file.Members.With(Member(2)), 7, gone.Token), Is.True);
        Assert.That(channel.Reader.TryRead(out object? told), Is.True);
        Assert.That(told, Is.SameAs(file.Members));
    }

    [Test]
    public void A_node_has_one_identity_and_its_certificate_names_the_ledger()
    {
        using var folder = new TemporaryFolder();
        Digest pin;
        using (NodeIdentity made = NodeIdentity.Create(folder.Path, 77))
            pin = made.Pin;
        using (NodeIdentity read = NodeIdentity.Load(folder.Path))
            Assert.That((read.Pin, read.LedgerId), Is.EqualTo((pin, (UInt128)77)));
        Assert.That(() => NodeIdentity.Create(folder.Path, 77), Throws.InstanceOf<IOException>());
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(folder.PathOf("node.key")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        File.WriteAllText(folder.PathOf("node.key"), "nothing");
        Assert.That(() => NodeIdentity.Load(folder.Path), Throws.TypeOf<ClusterException>());
    }

    private static string Told(PinnedEndPoint member) => $"{member} {member.Pin} {member.IsLearner} {string.Join(',', member.Clients)}";
}
