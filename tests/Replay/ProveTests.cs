using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Text;
using Settlement.Replay;
using Settlement.Tests.Gateway.Settle;
using Settlement.Tests.Journal;
using Settlement.Tests.Live;

namespace Settlement.Tests.Replay;

/// <summary>`replay prove`, `replay check` and the signatures in `replay verify`, as an operator and a payer would type them.</summary>
public sealed class ProveTests
{
    private static SettleFolder s_settled = null!;
    private static Dictionary<string, string> s_verdicts = null!;
    private TemporaryFolder _place = null!;

    private static string Journal => s_settled.Journal;

    private static string PublicKey => Path.Combine(Journal, "node.pub");

    private string ReceiptFile => _place.PathOf("receipt.json");

    [OneTimeSetUp]
    public void SettleTheSample()
    {
        s_settled = new SettleFolder();
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        s_settled.Settle(
            "--wallets", Path.Combine(sample, "wallets.csv"), Path.Combine(sample, "payments.csv"), "--batch-count", "500", "--batch-age", "none", "--verdicts", "all").Exits(0);
        s_verdicts = [];
        foreach (string[] fields in s_settled.ReportLines("verdicts.csv").Skip(1).Select(line => line.Split(',')))
            s_verdicts.TryAdd(fields[^2], fields[^1]); // the first use of an id
    }

    [OneTimeTearDown]
    public void DeleteTheSample() => s_settled.Dispose();

    [SetUp]
    public void Make() => _place = new TemporaryFolder();

    [TearDown]
    public void Remove() => _place.Dispose();

    [Test]
    public void A_receipt_of_an_accepted_payment_is_checked_with_nothing_but_itself_and_the_public_key()
    {
        string id = First("accepted");
        string said = Run(0, "prove", Journal, "--id", id, "--out", ReceiptFile).Output;
        Assert.That(said, Does.Contain(id).And.Contain("in batch 1"));
        Assert.That(Directory.GetFiles(_place.Path), Is.EqualTo(new[] { ReceiptFile }), "nothing half done beside it");
        string copy = _place.PathOf("node.pub");
        File.Copy(PublicKey, copy);
        string valid = Run(0, "check", ReceiptFile, "--key", copy).Output;
        Assert.That(valid, Does.Contain($"valid. Payment {id} was accepted").And.Contain("the one in").And.Not.Contain("WARNING"));
        JsonElement json = Json(Run(0, "check", ReceiptFile, "--key", copy, "--json"));
        Assert.That(json.GetProperty("valid").GetBoolean());
        Assert.That(json.GetProperty("key_named").GetBoolean());
        Assert.That(json.GetProperty("id").GetString(), Is.EqualTo(id));
    }

    [Test]
    public void Without_a_named_key_a_check_says_that_the_key_is_the_receipts_own()
    {
        Prove(First("accepted"));
        Assert.That(Run(0, "check", ReceiptFile).Output, Does.Contain("WARNING").And.Contain("not one that you named").And.Contain("--key"));
        Assert.That(Json(Run(0, "check", ReceiptFile, "--json")).GetProperty("key_named").GetBoolean(), Is.False);
    }

    [Test]
    public void A_receipt_is_printed_where_no_file_is_named_and_is_the_same()
    {
        string id = First("accepted");
        Prove(id);
        Assert.That(Run(0, "prove", Journal, "--id", id).Output, Is.EqualTo(File.ReadAllText(ReceiptFile)));
        Assert.That(Run(0, "prove", Journal, "--id", id, "--json").Output, Is.EqualTo(File.ReadAllText(ReceiptFile)));
        JsonElement said = Json(Run(0, "prove", Journal, "--id", id, "--out", ReceiptFile, "--json"));
        Assert.That(said.GetProperty("id").GetString(), Is.EqualTo(id));
        Assert.That(said.GetProperty("amount").GetString(), Does.Match(@"^\d+(\.\d+)?$"));
    }

    [Test]
    public void An_opening_balance_and_a_capture_can_be_proven_too()
    {
        string captured = FirstAccepted((_, payment) => payment.Instruction == Instruction.Capture);
        Prove(captured);
        Assert.That(Run(0, "check", ReceiptFile, "--key", PublicKey).Output, Does.Contain("capture").And.Contain("of payment"));
        JsonNode paid = Receipt(First("accepted"))["payment"]!;
        string payer = paid["payer"]!.GetValue<string>();
        var opening = new Payment
        {
            IdHigh = Limits.OpeningIdHigh | Iso4217.NumberOf(paid["currency"]!.GetValue<string>()),
            IdLow = ulong.Parse(payer, CultureInfo.InvariantCulture),
        };
        Prove(PaymentIdText.Format(opening));
        Assert.That(Run(0, "check", ReceiptFile, "--key", PublicKey).Output, Does.Contain("issue").And.Contain($"to wallet {payer}"));
    }

    [Test]
    public void A_receipt_does_not_pass_under_another_ledgers_key()
    {
        Prove(First("accepted"));
        string other = _place.PathOf("other");
        SettleFolder.Run("init", "--journal", other).Exits(0);
        string said = Run(1, "check", ReceiptFile, "--key", Path.Combine(other, "node.pub")).Output;
        Assert.That(said, Does.Contain("NOT VALID, at the step key").And.Contain("is not proven"));
        Assert.That(Json(Run(1, "check", ReceiptFile, "--key", Path.Combine(other, "node.pub"), "--json")).GetProperty("failed_step").GetString(), Is.EqualTo("key"));
    }

    [TestCase("payment", "amount_units", "\"1\"", "root")]
    [TestCase("payment", "payee", "\"1\"", "root")]
    [TestCase("leaf", "index", "\"0\"", "root")]
    [TestCase("leaf", "leaves", "\"1\"", "path")]
    [TestCase("leaf", "siblings", "[]", "path")]
    [TestCase("batch", "closed_ns", "\"1\"", "signature")]
    [TestCase("batch", "first_sequence", "\"100000\"", "header")]
    [TestCase("batch", "accepted", "\"1\"", "header")]
    [TestCase("signature", "key_id", "\"00000000000000000000000000000000\"", "key")]
    public void A_changed_receipt_is_not_valid_and_the_step_that_failed_is_named(string parent, string name, string value, string step)
    {
        Prove(First("accepted"));
        Change(root => root[parent]![name] = JsonNode.Parse(value));
        Assert.That(Run(1, "check", ReceiptFile).Output, Does.Contain($"NOT VALID, at the step {step}:"));
        JsonElement json = Json(Run(1, "check", ReceiptFile, "--json"));
        Assert.That((json.GetProperty("valid").GetBoolean(), json.GetProperty("failed_step").GetString()), Is.EqualTo((false, step)));
    }

    [Test]
    public void What_is_no_receipt_is_refused_with_line_and_field_and_exit_code_2()
    {
        Prove(First("accepted"));
        string good = File.ReadAllText(ReceiptFile);
        (string Text, string Said)[] bad =
        [
            (good.Replace("amount_units", "amount", StringComparison.Ordinal), "line 10: the field payment.amount_units is expected here"),
            (good.Replace("\"level\": 0", "\"level\": 256", StringComparison.Ordinal), "payment.level: a whole number from 0 to 255 is expected"),
            (good.Replace("receipt 1", "receipt 2", StringComparison.Ordinal), "it is of version 2"),
            (good.Replace("receipt 1", "receipt x", StringComparison.Ordinal), "line 2: format: "),
            (good[..200], "it is no JSON"),
            ("", "line 1: it is no JSON"),
            (good + new string(' ', 70_000), "longer than 65536 bytes"),
        ];
        foreach ((string text, string said) in bad)
        {
            File.WriteAllText(ReceiptFile, text);
            Assert.That(Run(2, "check", ReceiptFile).Error, Does.Contain("receipt.json").And.Contain(said));
        }
    }

    [Test]
    public void What_was_not_accepted_is_told_with_its_verdict()
    {
        foreach (string verdict in new[] { "insufficient_funds", "expired" })
            Assert.That(Run(2, "prove", Journal, "--id", First(verdict)).Error, Does.Contain("was not accepted").And.Contain(verdict).And.Contain("nothing of it was settled"));
        string repeated = s_settled.ReportLines("verdicts.csv").Select(line => line.Split(',')).First(fields => fields[^1] == "duplicate:accepted")[^2];
        Prove(repeated);
        ulong accepted = ulong.Parse(Receipt(repeated)["sequence"]!.GetValue<string>(), CultureInfo.InvariantCulture);
        Assert.That(Run(2, "prove", Journal, "--id", repeated, "--sequence", "1").Error, Does.Contain("Sequence 1 is no payment"));
        Run(0, "prove", Journal, "--id", repeated, "--sequence", $"{accepted}");
    }

    [Test]
    public void What_is_in_the_open_batch_is_told_to_wait()
    {
        string open = s_settled.ReportLines("verdicts.csv").Select(line => line.Split(',')).Last(fields => fields[^1] == "accepted")[^2];
        Assert.That(Run(2, "prove", Journal, "--id", open).Error, Does.Contain("was accepted").And.Contain("batch 4").And.Contain("still open"));
    }

    [Test]
    public void What_is_in_a_batch_without_a_seal_is_told_so_and_can_be_proven_once_the_journal_was_opened_again()
    {
        string copy = _place.PathOf("journal");
        JournalCopy.Make(Journal, copy, (ref BlockHeader header, ref byte[] _) => header.Kind != BlockKind.Seal);
        File.Copy(Path.Combine(Journal, "node.key"), Path.Combine(copy, "node.key"));
        Assert.That(Run(2, "prove", copy, "--id", First("accepted")).Error, Does.Contain("closed and not sealed yet"));
        SettleFolder.Run("settle", "--journal", copy, "--json").Exits(0);
        Run(0, "prove", copy, "--id", First("accepted"), "--out", ReceiptFile);
        Run(0, "check", ReceiptFile, "--key", PublicKey);
    }

    [Test]
    public void An_id_that_two_participants_used_has_to_be_told_apart_by_its_sequence()
    {
        string journal = _place.PathOf("live");
        using (var ledger = new LiveLedger(journal, new HandClock(LiveLedger.StartNs), key: LiveLedger.NewKey()))
        {
            ledger.SetUp(wallets: 4);
            for (ushort participant = 1; participant <= 2; participant++)
                ledger.Submit([LiveLedger.Slot(new ControlCommand { Instruction = Instruction.OpenSession, Subject = 1 + (ulong)participant, Participant = participant, Level = 255 })]);
            Payment first = LiveLedger.Pay(2, 1, 5, stream: 9, number: 1) with { Session = 2 };
            Payment second = LiveLedger.Pay(1, 2, 7, stream: 9, number: 1) with { Session = 3 };
            ledger.Submit([first, second, first]);
            ledger.Submit([LiveLedger.Slot(new ControlCommand { Instruction = Instruction.CloseBatch })]);
            ledger.Node.Pipeline.Drain();
            Assert.That(ledger.Outcomes.TakeLast(4).Select(outcome => outcome.Verdict), Is.EqualTo(new[] { Verdict.Accepted, Verdict.Accepted, Verdict.Duplicate, Verdict.Accepted }));
        }

        const string Id = "0000000000000009:1";
        string error = Run(2, "prove", journal, "--id", Id).Error;
        Assert.That(error, Does.Contain("accepted 2 times").And.Contain("--sequence"));
        ulong[] sequences = [.. Regex.Matches(error, @"sequence (\d+) accepted").Select(match => ulong.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
        Assert.That(sequences, Has.Length.EqualTo(2));
        foreach ((ulong sequence, string amount) in sequences.Zip(["5", "7"]))
        {
            Run(0, "prove", journal, "--id", Id, "--sequence", $"{sequence}", "--out", ReceiptFile);
            Assert.That(JsonNode.Parse(File.ReadAllText(ReceiptFile))!["payment"]!["amount_units"]!.GetValue<string>(), Is.EqualTo(amount));
            Run(0, "check", ReceiptFile);
        }

        Assert.That(Run(2, "prove", journal, "--id", Id, "--sequence", $"{sequences[1] + 1}").Error, Does.Contain("duplicate:accepted"));
    }

    [Test]
    public void An_unsigned_ledger_gives_no_receipts_and_says_why()
    {
        string journal = _place.PathOf("live");
        using (var ledger = new LiveLedger(journal, new HandClock(LiveLedger.StartNs)))
        {
            ledger.SetUp(wallets: 2);
            ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 9, number: 1)]);
            ledger.Submit([LiveLedger.Slot(new ControlCommand { Instruction = Instruction.CloseBatch })]);
            ledger.Node.Pipeline.Drain();
        }

        Assert.That(Run(2, "prove", journal, "--id", "0000000000000009:1").Error, Does.Contain("without a node key"));
    }

    [TestCase("is not in the journal", "prove", "JOURNAL", "--id", "nobody:1")]
    [TestCase("is not in the journal", "prove", "JOURNAL", "--id", "019bc118-8bd0-7c3e-9f10-5a6b7c8d9e0f")]
    [TestCase("--id nonsense", "prove", "JOURNAL", "--id", "nonsense")]
    [TestCase("--sequence two", "prove", "JOURNAL", "--id", "a:1", "--sequence", "two")]
    [TestCase("--id", "prove", "JOURNAL")]
    [TestCase("There is no directory", "prove", "/nowhere/at/all", "--id", "a:1")]
    [TestCase("There is no file", "check", "/nowhere/at/all")]
    [TestCase("is a folder", "check", "JOURNAL")]
    [TestCase("there is no folder", "prove", "JOURNAL", "--id", "ACCEPTED", "--out", "/nowhere/at/all")]
    [TestCase("a folder", "prove", "JOURNAL", "--id", "ACCEPTED", "--out", "JOURNAL")]
    public void What_cannot_be_used_is_refused_in_a_sentence(string sentence, params string[] words)
    {
        words = [.. words.Select(word => word switch { "JOURNAL" => Journal, "ACCEPTED" => First("accepted"), _ => word })];
        (string output, string error) = Run(2, words);
        Assert.That(error, Does.Contain(sentence).And.Not.Contain("   at "));
        Assert.That(output, Is.Empty);
    }

    [TestCase("node.key", "private key")]
    [TestCase("journal.note", "BEGIN PUBLIC KEY")]
    public void What_is_no_public_key_is_refused(string file, string said)
    {
        Prove(First("accepted"));
        Assert.That(Run(2, "check", ReceiptFile, "--key", Path.Combine(Journal, file)).Error, Does.Contain(said));
    }

    [TestCase("none", "is not signed")]
    [TestCase("flipped", "did not make for it")]
    [TestCase("another batch's", "did not make for it")]
    [TestCase("another key's", "is signed by node key")]
    [TestCase("short", "83 bytes")]
    public void Verify_names_the_block_of_a_seal_that_the_ledgers_key_did_not_sign(string change, string what)
    {
        string copy = _place.PathOf("journal");
        ulong seal = 0;
        byte[]? before = null;
        JournalCopy.Make(Journal, copy, (ref BlockHeader header, ref byte[] body) =>
        {
            if (header.Kind != BlockKind.Seal)
                return true;
            int statement = body.Length - (int)header.AttachmentBytes;
            byte[] attachment = body[statement..];
            bool first = before is null;
            before ??= attachment;
            if (first)
                return true; // of two seals the second is another
            seal = seal == 0 ? header.Number : seal;
            switch (change)
            {
                case "none":
                    attachment = [];
                    break;
                case "flipped":
                    attachment[^1] ^= 1;
                    break;
                case "another batch's":
                    attachment = before;
                    break;
                case "another key's":
                    attachment[4] ^= 1;
                    break;
                default:
                    attachment = attachment[1..];
                    break;
            }

            body = [.. body[..statement], .. attachment];
            header.AttachmentBytes = (uint)attachment.Length;
            return true;
        });
        JsonElement end = Json(Run(1, "verify", copy, "--json")).GetProperty("end");
        Assert.That(end.GetProperty("kind").GetString(), Is.EqualTo("broken"));
        Assert.That(end.GetProperty("block").GetUInt64(), Is.EqualTo(seal));
        Assert.That(end.GetProperty("file").GetString(), Does.Contain("journal.log.0"));
        Assert.That(end.GetProperty("what").GetString(), Does.Contain("the seal of batch 2").And.Contain(what));
        Assert.That(Run(1, "verify", copy).Output, Does.Contain("BROKEN").And.Contain(what));
        Assert.That(Run(1, "prove", copy, "--id", Behind(1)).Error, Does.Contain(what), "and no receipt is made of it");
    }

    [Test]
    public void Verify_says_whose_key_signs()
    {
        Assert.That(NodeKey.TryParsePem(File.ReadAllText(PublicKey), out NodeKey key));
        Assert.That(Run(0, "verify", Journal).Output, Does.Contain($"node key {key.Id}, every seal"));
        Assert.That(Json(Run(0, "verify", Journal, "--json")).GetProperty("key_id").GetString(), Is.EqualTo(key.Id.ToString()));
    }

    private static string First(string verdict) => s_verdicts.First(entry => entry.Value == verdict).Key;

    /// <summary>The id of a payment that was accepted behind a batch.</summary>
    private static string Behind(ulong number)
    {
        ulong last = 0;
        using (JournalReader reader = JournalReader.Open(Journal))
        {
            while (last == 0 && reader.Next())
            {
                if (reader.Header.Kind == BlockKind.Seal && ClosedBatch.Decode(reader.Body[..^(int)reader.Header.AttachmentBytes]) is var batch && batch.Number == number)
                    last = batch.LastSequence;
            }
        }

        return FirstAccepted((sequence, _) => sequence > last);
    }

    private static string FirstAccepted(Func<ulong, Payment, bool> where)
    {
        using JournalReader reader = JournalReader.Open(Journal);
        while (reader.Next())
        {
            for (int i = 0; reader.Header.Kind == BlockKind.Payments && i < reader.Header.Count; i++)
            {
                Payment payment = MemoryMarshal.Cast<byte, Payment>(reader.Body)[i];
                string id = PaymentIdText.Format(payment);
                if (s_verdicts.GetValueOrDefault(id) == "accepted" && where(reader.Header.FirstSequence + (ulong)i, payment))
                    return id;
            }
        }

        throw new InvalidOperationException("the sample has no such payment");
    }

    private void Prove(string id) => Run(0, "prove", Journal, "--id", id, "--out", ReceiptFile);

    private static JsonNode Receipt(string id) => JsonNode.Parse(Run(0, "prove", Journal, "--id", id).Output)!;

    private void Change(Action<JsonNode> change)
    {
        JsonNode root = JsonNode.Parse(File.ReadAllText(ReceiptFile))!;
        change(root);
        File.WriteAllText(ReceiptFile, root.ToJsonString());
    }

    private static JsonElement Json((string Output, string Error) said)
    {
        using var json = JsonDocument.Parse(said.Output);
        return json.RootElement.Clone();
    }

    private static (string Output, string Error) Run(int expected, params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        Assert.That(code, Is.EqualTo(expected), output + error.ToString());
        return (output.ToString(), error.ToString());
    }
}
