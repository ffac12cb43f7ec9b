using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Rules;
using Settlement.Tests.Live;
using static Settlement.Tests.Replay.ReplayRuns;

namespace Settlement.Tests.Replay;

/// <summary>`replay show`: everything that a journal holds, once, and every filter against a naive one over all that is shown.</summary>
public sealed class ShowTests
{
    private static TemporaryFolder s_folder = null!;
    private static List<JsonElement> s_all = null!;
    private static JsonElement s_summary;

    private static string Journal => s_folder.PathOf("journal");

    [OneTimeSetUp]
    public void SettleTheSample()
    {
        s_folder = new TemporaryFolder();
        s_summary = SettleSample(Journal);
        s_all = JsonLines(Exits(0, "show", Journal, "--json"));
    }

    [OneTimeTearDown]
    public void DeleteTheSample() => s_folder.Dispose();

    [Test]
    public void Every_sequence_is_shown_once_with_the_verdicts_that_settle_counted()
    {
        ulong next = 1;
        foreach (JsonElement slot in s_all.Where(IsSlot))
        {
            Assert.That(slot.GetProperty("sequence").GetUInt64(), Is.EqualTo(next));
            next += slot.TryGetProperty("slots", out JsonElement slots) ? slots.GetUInt64() : 1;
        }

        Assert.That(next - 1, Is.EqualTo(s_summary.GetProperty("sequence").GetUInt64()));
        foreach (JsonProperty verdict in s_summary.GetProperty("verdicts").EnumerateObject().Where(verdict => verdict.Name != "accepted"))
            Assert.That(Payments().Count(payment => Text(payment, "verdict") == verdict.Name), Is.EqualTo(verdict.Value.GetInt32()), verdict.Name);
        Assert.That(Text(s_all[^1], "kind"), Is.EqualTo("clean"));
        Assert.That(s_all.Last(line => Text(line, "record") == "seal").GetProperty("state_hash").GetString(), Is.EqualTo(s_summary.GetProperty("state_hash").GetString()));
    }

    [Test]
    public void Blocks_are_chained_and_stand_where_they_are_said_to()
    {
        JsonElement[] blocks = [.. s_all.Where(line => Text(line, "record") == "block")];
        Assert.That(blocks.Skip(1).Select(block => Text(block, "previous")), Is.EqualTo(blocks.SkipLast(1).Select(block => Text(block, "chain"))));
        byte[] bytes = File.ReadAllBytes(Path.Combine(Journal, "journal.log.0"));
        foreach (JsonElement block in blocks)
        {
            int offset = block.GetProperty("offset").GetInt32();
            Assert.That(BitConverter.ToUInt32(bytes, offset), Is.EqualTo(block.GetProperty("bytes").GetUInt32()));
            Assert.That(BitConverter.ToUInt32(bytes, offset + 4), Is.EqualTo(BlockHeader.MagicValue));
        }

        string[] alone = [.. JsonLines(Exits(0, "show", Journal, "--json", "--blocks")).SkipLast(1).Select(block => block.GetRawText())];
        Assert.That(alone, Is.EqualTo(blocks.Select(block => block.GetRawText())));
    }

    [Test]
    public void The_salt_key_is_in_no_output()
    {
        byte[] key;
        using (JournalReader reader = JournalReader.Open(Journal))
        {
            Assert.That(reader.Next());
            key = reader.Body[..32].ToArray();
        }

        foreach (string output in (string[])[Exits(0, "show", Journal, "--json"), Exits(0, "show", Journal), Exits(0, "stats", Journal), Exits(0, "stats", Journal, "--json")])
        {
            Assert.That(output, Does.Not.Contain(Convert.ToHexStringLower(key)).IgnoreCase);
            Assert.That(output, Does.Not.Contain(Convert.ToBase64String(key)));
        }
    }

    [Test]
    public void Filters_combine_and_show_what_a_naive_filter_finds()
    {
        JsonElement capture = Payments().First(payment => Text(payment, "instruction") == "capture" && Text(payment, "verdict") == "accepted");
        JsonElement hold = Payments().First(payment => Text(payment, "id") == Text(capture, "target") && Text(payment, "verdict") == "accepted");
        string payer = Text(hold, "payer")!;
        List<JsonElement> ofPayer = Slots("--wallet", payer);
        Assert.That(ofPayer.Select(Sequence), Does.Contain(Sequence(capture)), "a capture has its hold's parties");
        Assert.That(
            ofPayer.Where(slot => Text(slot, "record") == "payment" && Text(slot, "target") is null).Select(Sequence),
            Is.EqualTo(Payments().Where(payment => Text(payment, "payer") == payer || Text(payment, "payee") == payer).Select(Sequence)));
        Assert.That(ofPayer.Any(slot => Text(slot, "instruction") == "open_wallet"));

        string id = Text(hold, "id")!;
        Assert.That(Slots("--id", id).Select(Sequence), Is.EqualTo(Payments().Where(payment => Text(payment, "id") == id || Text(payment, "target") == id).Select(Sequence)));
        Assert.That(
            Slots("--verdict", "unknown_target", "--from", "400", "--to", "1500").Select(Sequence),
            Is.EqualTo(Payments().Where(payment => Text(payment, "verdict") == "unknown_target" && Sequence(payment) is >= 400 and <= 1500).Select(Sequence)).And.Not.Empty);
        Assert.That(Slots("--wallet", payer, "--verdict", "accepted", "--kind", "control").Select(slot => Text(slot, "record")), Is.All.EqualTo("command").And.Not.Empty);
        Assert.That(Slots("--from", "100", "--to", "120").Select(Sequence), Is.EqualTo(Enumerable.Range(100, 21).Select(sequence => (ulong)sequence)));
        JsonElement[] seals = [.. s_all.Where(line => Text(line, "record") == "seal")];
        Assert.That(
            Slots("--from", "batch:2", "--to", "batch:2").Select(Sequence).Order(),
            Is.EqualTo(Enumerable.Range(0, int.MaxValue).Select(i => seals[1].GetProperty("first_sequence").GetUInt64() + (ulong)i)
                .TakeWhile(sequence => sequence <= seals[1].GetProperty("last_sequence").GetUInt64())));
    }

    [Test]
    public void A_limit_stops_and_says_so()
    {
        List<JsonElement> lines = JsonLines(Exits(0, "show", Journal, "--json", "--kind", "payments", "--limit", "7"));
        Assert.That(lines.Count(IsSlot), Is.EqualTo(7));
        Assert.That(Text(lines[^1], "kind"), Is.EqualTo("limit"));
        Assert.That(JsonLines(Exits(0, "show", Journal, "--json", "--blocks", "--limit", "2")), Has.Count.EqualTo(3));
        Assert.That(Exits(0, "show", Journal, "--limit", "7"), Does.EndWith("Stopped at the limit." + Environment.NewLine));
    }

    [Test]
    public void Behind_damage_nothing_is_shown_and_the_exit_code_is_1()
    {
        using var folder = new TemporaryFolder();
        CopyFolder(Journal, folder.Path);
        JsonElement bad = s_all.Last(line => Text(line, "record") == "block" && Text(line, "kind") == "payments");
        Flip(folder.PathOf("journal.log.0"), bad.GetProperty("offset").GetInt64() + 400);
        ulong before = bad.GetProperty("first_sequence").GetUInt64();
        List<JsonElement> lines = JsonLines(Exits(1, "show", folder.Path, "--json"));
        Assert.That(lines.Where(IsSlot).Select(Sequence).Max(), Is.EqualTo(before - 1));
        Assert.That(Text(lines[^1], "kind"), Is.EqualTo("damage"));
        Assert.That(lines[^1].GetProperty("block").GetUInt64(), Is.EqualTo(bad.GetProperty("block").GetUInt64()));
        Assert.That(Exits(1, "show", folder.Path), Does.Contain($"DAMAGE  block {bad.GetProperty("block").GetUInt64()} at journal.log.0, offset {bad.GetProperty("offset").GetInt64()}"));
        Assert.That(JsonLines(Exits(1, "show", folder.Path, "--json", "--from", "batch:3")), Has.Count.EqualTo(1), "a point that damage hides");
        Assert.That(JsonLines(Exits(0, "show", folder.Path, "--json", "--to", (before - 1).ToString(CultureInfo.InvariantCulture))).Count(IsSlot), Is.Positive, "what stands before it can be asked for");
    }

    [Test]
    public void Commands_are_shown_by_name_with_their_fields()
    {
        using var folder = new TemporaryFolder();
        using (var ledger = new LiveLedger(folder.Path, new HandClock(LiveLedger.StartNs)))
        {
            ledger.SetUp(wallets: 2);
            RuleTable table = new RuleTableBuilder().Deny(7, "none", When.Source(840)).Build();
            ledger.Submit(LiveLedger.Slots(new ControlCommand { Instruction = Instruction.ActivateRules }, table.Encode()));
            ledger.Submit(
            [
                LiveLedger.Setting(SettingKey.BatchAgeNs, 5_000_000_000),
                LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SetSetting, Subject = (ulong)SettingKey.BatchValue, Currency = LiveLedger.Euro, Value = 123_456 }),
                LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SetSetting, Subject = (ulong)SettingKey.InstructionLevel, Value2 = (ulong)Instruction.SetCap, Value = 9 }),
                LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SetCap, Participant = 1, Currency = LiveLedger.Euro, Value = 70_000, Value2 = 1 }),
                LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SetFee, Participant = 2, Currency = LiveLedger.Euro, Value = 5, BasisPoints = 12 }),
                LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SetWalletStatus, Subject = 2, Status = WalletStatus.Frozen }),
                LiveLedger.Slot(new ControlCommand { Instruction = Instruction.SettledBatch, Subject = 77 }),
            ]);
            ledger.Node.Pipeline.Drain();
            ledger.Close();
            string lines = Exits(0, "show", folder.Path, "--kind", "control");
            Assert.That(lines, Does.Contain($"activate_rules  bytes {table.Encode().Length}  rules 1  table {table.Hash}  accepted"));
            Assert.That(lines, Does.Contain("set_setting  setting batch_age_ns  value 5000000000  accepted"));
            Assert.That(lines, Does.Contain("set_setting  setting batch_value  currency EUR  value 1234.56  accepted"));
            Assert.That(lines, Does.Contain("set_setting  setting instruction_level  instruction set_cap  value 9  accepted"));
            Assert.That(lines, Does.Contain("set_cap  participant bank 1  currency EUR  cap 700.00  accepted"));
            Assert.That(lines, Does.Contain("set_fee  participant bank 2  currency EUR  basis_points 12  fixed 0.05  accepted"));
            Assert.That(lines, Does.Contain("set_wallet_status  wallet 2  status frozen  accepted"));
            Assert.That(lines, Does.Contain("settled_batch  batch 77  unknown_batch"));
            Assert.That(lines, Does.Contain("open_wallet  wallet 1  participant bank 2  country DE"));
        }
    }

    [TestCase("--from --to", "--from", "7", "--to", "3")]
    [TestCase("lies behind the journal's end", "--from", "99999999")]
    [TestCase("lies behind the journal's end", "--to", "99999999")]
    [TestCase("lies behind the journal's end", "--from", "2500-01-01T00:00:00Z")]
    [TestCase("nothing is behind the end", "--from", "end")]
    [TestCase("batch:99 is not in the journal", "--to", "batch:99")]
    [TestCase("is expected", "--from", "yesterday")]
    [TestCase("expected one of accepted", "--verdict", "perhaps")]
    [TestCase("expected one of payments", "--kind", "thing")]
    [TestCase("a UUID or stream:sequence", "--id", "7")]
    [TestCase("whole number from 1", "--limit", "0")]
    public void Bad_use_is_a_sentence(string sentence, params string[] words)
    {
        (int code, _, string error) = Run(["show", Journal, .. words]);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error.Trim().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(error, Does.Contain(sentence.Split(' ')[0]).And.Contain(sentence.Split(' ')[^1]));
    }

    private static List<JsonElement> Slots(params string[] words) => [.. JsonLines(Exits(0, ["show", Journal, "--json", .. words])).Where(IsSlot)];

    private static IEnumerable<JsonElement> Payments() => s_all.Where(line => Text(line, "record") == "payment");

    private static bool IsSlot(JsonElement line) => Text(line, "record") is "payment" or "command";

    private static ulong Sequence(JsonElement line) => line.GetProperty("sequence").GetUInt64();

    private static string? Text(JsonElement line, string name) => line.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
