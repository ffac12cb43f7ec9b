using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay;
using Settlement.Tests.Gateway.Settle;
using Settlement.Tests.Live;

namespace Settlement.Tests.Gateway.Init;

/// <summary>`init`, the files of a node's key, and `settle` over ledgers with a key, with another, and without one.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class InitTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private SettleFolder _folder = null!;

    private string KeyFile => Path.Combine(_folder.Journal, "node.key");

    private string PublicFile => Path.Combine(_folder.Journal, "node.pub");

    [SetUp]
    public void Make() => _folder = new SettleFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void Init_makes_a_ledger_a_key_that_only_its_owner_may_read_and_says_which()
    {
        JsonElement said = Init("--capacity", "4096").Exits(0).Json;
        Genesis genesis = ReadGenesis(_folder.Journal, out UInt128 ledger);
        using ECDsa pair = PairOf(KeyFile);
        Assert.That(NodeKey.TryParsePem(File.ReadAllText(PublicFile), out NodeKey published));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(File.GetUnixFileMode(KeyFile), Is.EqualTo(OwnerOnly));
            Assert.That(genesis.NodeKey, Is.EqualTo(NodeKey.Of(pair)).And.EqualTo(published));
            Assert.That(genesis.AccountsMax, Is.EqualTo(4_096));
            Assert.That(genesis.Fault(), Is.Null);
            Assert.That(said.GetProperty("ledger").GetString(), Is.EqualTo($"{ledger:x32}"));
            Assert.That(said.GetProperty("key_id").GetString(), Is.EqualTo(published.Id.ToString()));
            Assert.That(said.GetProperty("key_made").GetBoolean());
            Assert.That(said.GetProperty("public_key").GetString(), Is.EqualTo(PublicFile));
            Assert.That(Directory.GetFiles(_folder.Journal, "node.*").Select(Path.GetFileName), Is.EquivalentTo(new[] { "node.key", "node.pub" }));
        }

        SettleResult lines = SettleFolder.Run("init", "--journal", _folder.PathOf("second")).Exits(0);
        Assert.That(lines.Output, Does.Contain("node.pub: give it to everyone").And.Contain("made").And.Not.Contain("PRIVATE"));
        Assert.That(ReadGenesis(_folder.PathOf("second"), out _).NodeKey, Is.Not.EqualTo(published), "each ledger has a key of its own");
    }

    [Test]
    public void Settle_goes_on_with_what_init_made_and_has_the_state_hash_of_a_ledger_that_it_makes_itself()
    {
        string wallets = _folder.Write("wallets.csv", SettleFolder.FourWallets);
        string payments = _folder.Write("payments.csv", SettleFolder.PaymentsHeader + "a:1,1,3,10.00,EUR\na:2,2,4,1.00,EUR\na:3,3,1,2.00,EUR\n");
        string[] words = ["--wallets", wallets, payments, "--batch-count", "2", "--batch-age", "none", "--clock", "2026-01-15T10:00:00Z"];
        Init("--capacity", "4096", "--clock", "2026-01-15T10:00:00Z").Exits(0);
        SettleResult first = _folder.Settle(words).Exits(0);
        SettleResult second = SettleFolder.Run(["settle", "--journal", _folder.PathOf("other"), "--capacity", "4096", "--json", .. words]).Exits(0);
        Assert.That(first.Json.GetProperty("state_hash").GetString(), Is.EqualTo(second.Json.GetProperty("state_hash").GetString()).And.Length.EqualTo(64));
        Assert.That(first.Json.GetProperty("root").GetString(), Is.Not.EqualTo(second.Json.GetProperty("root").GetString()));
        foreach (string journal in new[] { _folder.Journal, _folder.PathOf("other") })
        {
            JsonElement verified = Verify(journal);
            Assert.That(verified.GetProperty("key_id").GetString(), Is.EqualTo(ReadGenesis(journal, out _).NodeKey.Id.ToString()));
            Assert.That(verified.GetProperty("batches_sealed").GetInt32(), Is.EqualTo(1));
        }
    }

    [Test]
    public void A_ledger_of_before_there_were_keys_is_settled_as_it_was()
    {
        CreateUnsigned();
        string wallets = _folder.Write("wallets.csv", SettleFolder.FourWallets);
        string payments = _folder.Write("payments.csv", SettleFolder.PaymentsHeader + "a:1,1,3,10.00,EUR\n");
        Assert.That(_folder.Settle("--wallets", wallets, payments, "--batch-count", "1").Exits(0).Number("batches"), Is.EqualTo(1));
        Assert.That(File.Exists(KeyFile), Is.False);
        JsonElement verified = Verify(_folder.Journal);
        Assert.That(verified.GetProperty("key_id").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(verified.GetProperty("batches_sealed").GetInt32(), Is.EqualTo(1));
        Assert.That(_folder.Settle("--key", _folder.PathOf("any.key")).Exits(2).Error, Does.Contain("without a node key").And.Contain("Leave --key away"));
        Assert.That(SettleFolder.Run("settle", "--journal", _folder.Journal).Exits(0).Output, Does.Contain("Open batch 2"));
    }

    [Test]
    public void The_key_may_lie_elsewhere_and_then_has_to_be_named_each_time()
    {
        string elsewhere = _folder.PathOf("safe.pem");
        Init("--key", elsewhere).Exits(0);
        Assert.That(File.Exists(KeyFile), Is.False);
        Assert.That(File.GetUnixFileMode(elsewhere), Is.EqualTo(OwnerOnly));
        Assert.That(_folder.Settle().Exits(2).Error, Does.Contain(KeyFile).And.Contain("--key FILE"));
        _folder.Settle("--key", elsewhere).Exits(0);
    }

    [Test]
    public void A_key_that_is_there_already_is_used_and_not_touched()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string mine = Write("mine.pem", pair.ExportPkcs8PrivateKeyPem());
        byte[] before = File.ReadAllBytes(mine);
        JsonElement said = Init("--key", mine).Exits(0).Json;
        Assert.That(said.GetProperty("key_made").GetBoolean(), Is.False);
        Assert.That(said.GetProperty("key_id").GetString(), Is.EqualTo(NodeKey.Of(pair).Id.ToString()));
        Assert.That(File.ReadAllBytes(mine), Is.EqualTo(before));
        _folder.Settle("--key", mine).Exits(0);
    }

    [Test]
    public void What_a_creation_that_was_cut_short_left_is_used_by_the_next()
    {
        Init().Exits(0);
        string key = File.ReadAllText(KeyFile);
        foreach (string file in Directory.GetFiles(_folder.Journal, "journal.*"))
            File.Delete(file);
        File.Delete(PublicFile);
        _folder.Settle().Exits(0);
        Assert.That(File.ReadAllText(KeyFile), Is.EqualTo(key));
        using ECDsa pair = PairOf(KeyFile);
        Assert.That(ReadGenesis(_folder.Journal, out _).NodeKey, Is.EqualTo(NodeKey.Of(pair)));
        Assert.That(File.Exists(PublicFile));
    }

    [Test]
    public void A_key_that_cannot_be_used_is_refused_with_what_to_do_and_nothing_is_changed()
    {
        Init().Exits(0);
        string right = File.ReadAllText(KeyFile);
        using ECDsa larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA rsa = RSA.Create(2_048);
        (string Text, string[] Said)[] keys =
        [
            (other.ExportPkcs8PrivateKeyPem(), [NodeKey.Of(other).Id.ToString(), "--key FILE"]),
            (larger.ExportPkcs8PrivateKeyPem(), ["no private key that could sign", "P-256"]),
            (rsa.ExportPkcs8PrivateKeyPem(), ["no private key that could sign"]),
            (other.ExportECPrivateKeyPem(), ["no private key that could sign", "PKCS#8"]),
            (other.ExportEncryptedPkcs8PrivateKeyPem("word", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 10)), ["unencrypted"]),
            (other.ExportSubjectPublicKeyInfoPem(), ["no private key that could sign"]),
            (right[..100], ["no private key that could sign"]),
            (right.Replace("\nM", "\nN", StringComparison.Ordinal), ["no private key that could sign"]),
            ("", ["no private key that could sign"]),
            (new string('x', 100_000), ["100000 bytes"]),
        ];
        string[] before = Contents();
        foreach ((string text, string[] said) in keys)
        {
            string error = _folder.Settle("--key", Write("bad.pem", text)).Exits(2).Error;
            foreach (string part in said)
                Assert.That(error, Does.Contain(part), text);
            Assert.That(error, Does.Contain("bad.pem").And.Not.Contain("   at "), text);
        }

        Assert.That(_folder.Settle("--key", _folder.Path).Exits(2).Error, Does.Contain("is a folder"));
        Assert.That(_folder.Settle("--key", _folder.PathOf("none.pem")).Exits(2).Error, Does.Contain("there is no file"));
        Assert.That(Contents(), Is.EqualTo(before));
        _folder.Settle().Exits(0);
    }

    [TestCase(UnixFileMode.GroupRead)]
    [TestCase(UnixFileMode.OtherRead)]
    [TestCase(UnixFileMode.OtherWrite)]
    [TestCase(UnixFileMode.GroupExecute)]
    public void A_key_that_is_open_to_others_is_refused(UnixFileMode others)
    {
        Init().Exits(0);
        string[] before = Contents();
        File.SetUnixFileMode(KeyFile, OwnerOnly | others);
        Assert.That(_folder.Settle().Exits(2).Error, Does.Contain("open to others").And.Contain("chmod 600"));
        Assert.That(Contents(), Is.EqualTo(before));
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead);
        _folder.Settle().Exits(0);
    }

    [Test]
    public void A_second_init_is_refused_and_leaves_the_first_as_it_was()
    {
        Init().Exits(0);
        string[] before = Contents();
        string key = File.ReadAllText(KeyFile);
        Assert.That(Init().Exits(2).Error, Does.Contain("already"));
        Assert.That(Contents(), Is.EqualTo(before));
        Assert.That(File.ReadAllText(KeyFile), Is.EqualTo(key));
    }

    [Test]
    public void Many_that_init_one_folder_at_once_make_one_ledger_with_one_key()
    {
        SettleResult[] results = new SettleResult[8];
        Thread[] threads = [.. results.Select((_, at) => new Thread(() => results[at] = Init()))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.That(results.Count(result => result.Code == 0), Is.EqualTo(1), string.Join('\n', results.Select(result => result.Output + result.Error)));
        Assert.That(results.Where(result => result.Code != 0).Select(result => result.Code), Is.All.EqualTo(2));
        using ECDsa pair = PairOf(KeyFile);
        Assert.That(ReadGenesis(_folder.Journal, out _).NodeKey, Is.EqualTo(NodeKey.Of(pair)));
        Assert.That(NodeKey.TryParsePem(File.ReadAllText(PublicFile), out NodeKey published));
        Assert.That(published, Is.EqualTo(NodeKey.Of(pair)));
        Assert.That(Directory.GetFiles(_folder.Journal, "node.*"), Has.Length.EqualTo(2));
        _folder.Settle().Exits(0);
    }

    [TestCase("--journal", "init")]
    [TestCase("--capacity '0'", "init", "--journal", "PLACE", "--capacity", "0")]
    [TestCase("is a file", "init", "--journal", "FILE")]
    [TestCase("init --help", "init", "--journal", "PLACE", "--loud")]
    [TestCase("--help lists the verbs", "dance")]
    public void What_cannot_be_used_is_refused_with_exit_code_2(string sentence, params string[] words)
    {
        string file = _folder.Write("file", "x");
        words = [.. words.Select(word => word switch { "PLACE" => _folder.Journal, "FILE" => file, _ => word })];
        Assert.That(SettleFolder.Run(words).Exits(2).Error, Does.Contain(sentence));
    }

    private SettleResult Init(params string[] words) => SettleFolder.Run(["init", "--journal", _folder.Journal, "--json", .. words]);

    private string Write(string name, string text)
    {
        string path = _folder.PathOf(name);
        File.Delete(path);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, OwnerOnly);
        return path;
    }

    private void CreateUnsigned()
    {
        Genesis genesis = LiveLedger.SmallGenesis();
        FasterJournal.Create(_folder.Journal, 7, LiveLedger.StartNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis))).Dispose();
    }

    private string[] Contents() => [.. Directory.GetFiles(_folder.Journal, "journal.*").Where(file => !file.EndsWith(".owner", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal).Select(file => file + Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))))];

    private static ECDsa PairOf(string path)
    {
        ECDsa pair = ECDsa.Create();
        pair.ImportFromPem(File.ReadAllText(path));
        return pair;
    }

    private static Genesis ReadGenesis(string journal, out UInt128 ledger)
    {
        using JournalReader reader = JournalReader.Open(journal);
        Assert.That(reader.Next());
        ledger = reader.LedgerId;
        return MemoryMarshal.Read<Genesis>(reader.Body);
    }

    private static JsonElement Verify(string journal)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.That(ReplayCommand.Run(["verify", journal, "--json"], output, error), Is.Zero, output + error.ToString());
        using var json = JsonDocument.Parse(output.ToString());
        return json.RootElement.Clone();
    }
}
