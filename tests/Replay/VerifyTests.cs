using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Gateway.Settle;
using Settlement.Replay;
using Settlement.Tests.Journal;

namespace Settlement.Tests.Replay;

/// <summary>`replay verify` over journals that settle wrote, over the same ones damaged, and over one that is being written.</summary>
public sealed class VerifyTests : JournalFixture
{
    private static TemporaryFolder s_settled = null!;
    private static JsonElement s_summary;

    [OneTimeSetUp]
    public void SettleTheSample()
    {
        s_settled = new TemporaryFolder();
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = SettleCommand.Create(output, error).Parse(
            [
                "--wallets", Path.Combine(sample, "wallets.csv"), Path.Combine(sample, "payments.csv"), "--journal", s_settled.Path,
                "--batch-count", "500", "--batch-age", "none", "--capacity", "4096", "--json",
            ]).Invoke();
        Assert.That(code, Is.Zero, error.ToString());
        using var summary = JsonDocument.Parse(output.ToString());
        s_summary = summary.RootElement.Clone();
    }

    [OneTimeTearDown]
    public void DeleteTheSample() => s_settled.Dispose();

    [Test]
    public void A_journal_made_by_settle_gives_the_same_state_hash_again()
    {
        JsonElement report = Json(Verify(s_settled.Path, 0));
        Assert.That(report.GetProperty("sound").GetBoolean());
        Assert.That(report.GetProperty("state_hash").GetString(), Is.EqualTo(s_summary.GetProperty("state_hash").GetString()).And.Length.EqualTo(64));
        Assert.That(report.GetProperty("root").GetString(), Is.EqualTo(s_summary.GetProperty("root").GetString()));
        Assert.That(report.GetProperty("sequence").GetUInt64(), Is.EqualTo(s_summary.GetProperty("sequence").GetUInt64()));
        long batches = report.GetProperty("batches_sealed").GetInt64() + report.GetProperty("batches_unsealed").GetInt64();
        Assert.That(batches, Is.EqualTo(s_summary.GetProperty("batches").GetInt64()).And.GreaterThan(1));
        Assert.That(report.GetProperty("batches_sealed").GetInt64(), Is.Positive, "else no seal is compared");
        long paid = s_summary.GetProperty("payments").GetInt64() + s_summary.GetProperty("openings_issued").GetInt64();
        Assert.That(report.GetProperty("payments").GetInt64(), Is.GreaterThanOrEqualTo(paid), "openings that were refused are slots, too");
        Assert.That(report.GetProperty("payments").GetUInt64(), Is.LessThan(report.GetProperty("sequence").GetUInt64()), "commands are none");
        Assert.That(report.GetProperty("payments_per_second").GetDouble(), Is.Positive);
        Assert.That(report.GetProperty("end").GetProperty("kind").GetString(), Is.EqualTo("clean"));
    }

    [Test]
    public void The_lines_name_the_state_hash_and_how_the_journal_ends() =>
        Assert.That(
            Verify(s_settled.Path, 0, json: false),
            Does.Contain(s_summary.GetProperty("state_hash").GetString()).And.Contain("clean, behind block").And.Contain("payments/s"));

    [Test]
    public void Nothing_of_the_journal_is_changed()
    {
        CopySettled();
        Dictionary<string, string> before = Contents();
        Verify(Place, 0);
        Assert.That(Contents(), Is.EqualTo(before));
    }

    [Test]
    public void A_flipped_byte_is_named_with_file_offset_and_block()
    {
        CopySettled();
        (ulong block, string file, long offset) = FindPayments();
        byte[] bytes = File.ReadAllBytes(file);
        bytes[offset + 4 + BlockHeader.Size + 33] ^= 4;
        File.WriteAllBytes(file, bytes);
        JsonElement report = Json(Verify(Place, 1));
        Assert.That(report.GetProperty("sound").GetBoolean(), Is.False);
        Assert.That(report.GetProperty("blocks").GetUInt64(), Is.EqualTo(block), "those before it are counted, from 0");
        JsonElement end = report.GetProperty("end");
        Assert.That(end.GetProperty("kind").GetString(), Is.EqualTo("damage"));
        Assert.That(end.GetProperty("file").GetString(), Is.EqualTo(file));
        Assert.That(end.GetProperty("offset").GetInt64(), Is.EqualTo(offset));
        Assert.That(end.GetProperty("block").GetUInt64(), Is.EqualTo(block));
        Assert.That(end.GetProperty("what").GetString(), Does.Contain("CRC"));
        Assert.That(Verify(Place, 1, json: false), Does.Contain($"DAMAGE      block {block} at {file}, offset {offset}: its CRC"));
    }

    [Test]
    public void A_torn_tail_is_a_warning()
    {
        CopySettled();
        string file;
        long offset;
        using (JournalReader reader = JournalReader.Open(Place))
        {
            while (reader.Next())
            {
            }

            (file, offset) = (reader.FileOf(reader.End!.Address), reader.OffsetOf(reader.End.Address));
        }

        using (FileStream stream = File.OpenWrite(file))
        {
            stream.Position = offset;
            stream.Write([64, 1, 0, 0, 7]);
        }

        JsonElement report = Json(Verify(Place, 0));
        Assert.That(report.GetProperty("end").GetProperty("kind").GetString(), Is.EqualTo("torn_tail"));
        Assert.That(report.GetProperty("state_hash").GetString(), Is.EqualTo(s_summary.GetProperty("state_hash").GetString()));
        Assert.That(Verify(Place, 0, json: false), Does.Contain("warning").And.Contain($"{file}, offset {offset}"));
    }

    [Test]
    public void A_whole_block_that_the_rules_did_not_write_is_named()
    {
        using (FasterJournal journal = CreateLedger())
        {
            var seal = new BlockHeader { Kind = BlockKind.Seal, FirstSequence = journal.NextSequence, TimeNs = 2 };
            journal.Append(ref seal, new byte[64], default);
            journal.Commit();
            journal.WaitDurable(1);
        }

        JsonElement report = Json(Verify(Place, 1));
        Assert.That(report.GetProperty("blocks").GetUInt64(), Is.EqualTo(1));
        Assert.That(report.GetProperty("end").GetProperty("kind").GetString(), Is.EqualTo("broken"));
        Assert.That(report.GetProperty("end").GetProperty("block").GetUInt64(), Is.EqualTo(1));
        Assert.That(report.GetProperty("end").GetProperty("what").GetString(), Does.Contain("not closed"));
    }

    [Test]
    public void A_live_journal_can_be_verified()
    {
        using FasterJournal journal = CreateLedger();
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var tick = new BlockHeader { Kind = BlockKind.Tick, FirstSequence = journal.NextSequence, TimeNs = journal.LastTimeNs + 1 };
                ulong block = journal.Append(ref tick, default, default);
                journal.Commit();
                journal.WaitDurable(block);
            }
        });
        try
        {
            ulong seen = 0;
            for (int i = 0; i < 10; i++)
            {
                ulong durable = journal.DurableBlock;
                ulong blocks = Json(Verify(Place, 0)).GetProperty("blocks").GetUInt64();
                Assert.That(blocks, Is.GreaterThan(durable).And.GreaterThanOrEqualTo(seen));
                seen = blocks;
            }
        }
        finally
        {
            stop.Cancel();
            writer.Wait();
        }
    }

    [TestCase("There is no directory", "verify", "/nowhere/at/all")]
    [TestCase("There is no journal in", "verify", "EMPTY")]
    [TestCase("verify --help", "verify")]
    [TestCase("--loud", "verify", "EMPTY", "--loud")]
    [TestCase("--help lists the verbs", "dance")]
    public void What_cannot_be_used_is_refused_in_a_sentence_with_exit_code_2(string sentence, params string[] words)
    {
        (int code, string output, string error) = Run([.. words.Select(word => word == "EMPTY" ? Place : word)]);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain(sentence));
        Assert.That(output, Is.Empty);
    }

    [Test]
    public void A_journal_whose_creation_was_cut_short_holds_nothing_to_verify()
    {
        CreateLedger().Dispose();
        File.WriteAllBytes(LogFile(0), []);
        new JournalFiles(Place, Ledger, Tiny.PageBytes, Tiny.SegmentBytes).WriteLayout();
        (int code, _, string error) = Run(["verify", Place]);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("no whole genesis block"));
    }

    private FasterJournal CreateLedger()
    {
        Genesis genesis = Genesis.Default(default);
        return FasterJournal.Create(Place, Ledger, timeNs: 1, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), Tiny);
    }

    private void CopySettled()
    {
        foreach (string file in Directory.GetFiles(s_settled.Path))
            File.Copy(file, Path.Combine(Place, Path.GetFileName(file)));
    }

    private Dictionary<string, string> Contents() => Directory.GetFiles(Place, "*", SearchOption.AllDirectories)
        .ToDictionary(file => file, file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))));

    /// <summary>The first block of payments. How many there are is a matter of time; the openings and the file make two at least.</summary>
    private (ulong Block, string File, long Offset) FindPayments()
    {
        using JournalReader reader = JournalReader.Open(Place);
        while (reader.Next())
        {
            if (reader.Header.Kind == BlockKind.Payments)
                return (reader.Header.Number, reader.File, reader.FileOffset);
        }

        throw new InvalidOperationException("the sample made no block of payments");
    }

    private static string Verify(string journal, int expected, bool json = true)
    {
        (int code, string output, string error) = Run(json ? ["verify", journal, "--json"] : ["verify", journal]);
        Assert.That(code, Is.EqualTo(expected), output + error);
        Assert.That(error, Is.Empty);
        return output;
    }

    private static (int Code, string Output, string Error) Run(string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ReplayCommand.Run(words, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private static JsonElement Json(string output)
    {
        using var json = JsonDocument.Parse(output);
        return json.RootElement.Clone();
    }
}
