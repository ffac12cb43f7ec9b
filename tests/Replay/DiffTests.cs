using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay.Diff;
using Settlement.Tests.Live;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>`replay diff`: every field of everything a journal is made of, planted differences, journals cut differently, prefixes, states.</summary>
[TestFixture]
public sealed class DiffTests
{
    private const ulong StartNs = LiveLedger.StartNs;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    private static IEnumerable<TestCaseData> Structures()
    {
        yield return new TestCaseData(Fields.Header, BlockHeader.Size).SetArgDisplayNames("block header");
        yield return new TestCaseData(Fields.Payment, Payment.Size).SetArgDisplayNames("payment");
        yield return new TestCaseData(Fields.Command, Payment.Size).SetArgDisplayNames("command");
        yield return new TestCaseData(Fields.NamedCommand, Payment.Size).SetArgDisplayNames("command with a name");
        yield return new TestCaseData(Fields.Continuation, Payment.Size).SetArgDisplayNames("continuation");
        yield return new TestCaseData(Fields.Genesis, Genesis.Size).SetArgDisplayNames("genesis");
    }

    [TestCaseSource(nameof(Structures))]
    public void Every_bit_of_a_structure_belongs_to_one_field_that_has_a_text(object fields, int bytes)
    {
        byte[] before = new byte[bytes];
        for (int bit = 0; bit < 8 * bytes; bit++)
        {
            byte[] after = [.. before];
            after[bit / 8] ^= (byte)(1 << (bit % 8));
            Field[] different = [.. ((IReadOnlyList<Field>)fields).Where(field => field.Differs(before, after))];
            Assert.That(different, Has.Length.EqualTo(1), $"bit {bit}");
            Assert.That(different[0].TextOf(after), Is.Not.Empty);
        }
    }

    [Test]
    public void A_journal_is_the_same_as_itself_and_as_a_copy()
    {
        Write("a", Blocks());
        Write("b", Blocks());
        Assert.That(Diff(0, "a", "a").GetProperty("same").GetBoolean());
        JsonElement report = Diff(0, "a", "b");
        Assert.That(report.GetProperty("differences").GetArrayLength(), Is.Zero);
        Assert.That(report.TryGetProperty("cut_from_block", out _), Is.False);
    }

    private static IEnumerable<TestCaseData> PlantedInPayment()
    {
        (string, Planted<Payment>)[] fields =
        [
            ("id", (ref Payment payment) => payment.IdLow ^= 64), ("id", (ref Payment payment) => payment.IdHigh ^= 1), ("payer", (ref Payment payment) => payment.Payer ^= 3),
            ("payee", (ref Payment payment) => payment.Payee ^= 1UL << 40), ("amount", (ref Payment payment) => payment.Amount++), ("reference", (ref Payment payment) => payment.Reference = 9),
            ("valid_until", (ref Payment payment) => payment.ValidUntilNs = ulong.MaxValue), ("currency", (ref Payment payment) => payment.Currency = 840),
            ("instruction", (ref Payment payment) => payment.Instruction = Instruction.Immediate), ("flags", (ref Payment payment) => payment.Flags |= PaymentFlags.Refundable),
            ("level", (ref Payment payment) => payment.Level = 1), ("purpose", (ref Payment payment) => payment.Purpose = Purpose.Tax), ("session", (ref Payment payment) => payment.Session = 7),
        ];
        return fields.Select((planted, i) => new TestCaseData(planted.Item1, planted.Item2).SetArgDisplayNames($"{i} {planted.Item1}"));
    }

    [TestCaseSource(nameof(PlantedInPayment))]
    public void A_changed_field_of_a_payment_is_named_with_block_sequence_and_both_values(string field, Planted<Payment> plant)
    {
        Write("a", Blocks());
        List<(BlockHeader Header, Payment[] Slots)> changed = Blocks();
        plant(ref changed[^2].Slots[4]);
        Write("b", changed);
        JsonElement first = Diff(1, "a", "b").GetProperty("differences")[0];
        Assert.That(first.GetProperty("part").GetString(), Is.EqualTo("payment"));
        Assert.That(first.GetProperty("field").GetString(), Is.EqualTo(field));
        Assert.That(first.GetProperty("block").GetString(), Is.EqualTo(Text((ulong)changed.Count - 2)));
        Assert.That(first.GetProperty("sequence").GetString(), Is.EqualTo(Text(changed[^2].Header.FirstSequence + 4)));
        Assert.That(first.GetProperty("a").GetString(), Is.Not.EqualTo(first.GetProperty("b").GetString()));
    }

    private static IEnumerable<TestCaseData> PlantedInHeader()
    {
        (string, string, Planted<BlockHeader>)[] fields =
        [
            ("block", "time", (ref BlockHeader header) => header.TimeNs++), ("block", "term", (ref BlockHeader header) => header.Term = 5),
            ("block", "reserved", (ref BlockHeader header) => header.Reserved2 = 1), ("block", "kind", (ref BlockHeader header) => header.Kind = BlockKind.Control),
        ];
        return fields.Select(planted => new TestCaseData(planted.Item1, planted.Item2, planted.Item3).SetArgDisplayNames(planted.Item2));
    }

    [TestCaseSource(nameof(PlantedInHeader))]
    public void A_changed_field_of_a_block_header_is_named(string part, string field, Planted<BlockHeader> plant)
    {
        Write("a", Blocks());
        List<(BlockHeader Header, Payment[] Slots)> changed = Blocks();
        BlockHeader header = changed[^1].Header;
        plant(ref header);
        changed[^1] = (header, changed[^1].Slots);
        Write("b", changed);
        JsonElement first = Diff(1, "a", "b").GetProperty("differences")[0];
        Assert.That((first.GetProperty("part").GetString(), first.GetProperty("field").GetString()), Is.EqualTo((part, field)));
        Assert.That(first.GetProperty("block").GetString(), Is.EqualTo(Text((ulong)changed.Count - 1)));
    }

    [Test]
    public void A_changed_attachment_ledger_and_genesis_are_named_and_the_salt_key_is_not_shown()
    {
        Write("a", Blocks(), attachment: Signed(3));
        Write("b", Blocks(), attachment: Signed(4));
        Assert.That(FieldsOf(Diff(1, "a", "b")), Is.EqualTo(new[] { "attachment" }));
        Write("c", Blocks(), attachment: [.. Signed(3), .. Signed(4)]);
        Assert.That(FieldsOf(Diff(1, "a", "c")), Is.EqualTo(new[] { "body_bytes", "attachment_bytes", "attachment" }));
        Write("d", Blocks(), ledger: 8, attachment: Signed(3));
        Assert.That(FieldsOf(Diff(1, "a", "d")), Is.EqualTo(new[] { "id" }));
        Genesis genesis = LiveLedger.SmallGenesis();
        genesis.SaltKey[5] = 0xAB;
        genesis.TargetsMax++;
        Write("e", Blocks(), genesis: genesis, attachment: Signed(3));
        string output = WrittenJournal.RunExpecting(1, "diff", At("a"), At("e"), "--json");
        Assert.That(FieldsOf(Parse(output)), Is.EqualTo(new[] { "salt_key", "targets_max" }));
        Assert.That(output, Does.Contain("not shown").And.Not.Contain("ab0000"));
    }

    [Test]
    public void A_changed_command_is_named_by_its_own_fields()
    {
        Write("a", Blocks());
        List<(BlockHeader Header, Payment[] Slots)> changed = Blocks();
        MemoryMarshal.Cast<Payment, ControlCommand>(changed[1].Slots.AsSpan())[0].SetName("Bank One");
        MemoryMarshal.Cast<Payment, ControlCommand>(changed[1].Slots.AsSpan())[3].Tier = 2;
        Write("b", changed);
        JsonElement first = Diff(1, "a", "b").GetProperty("differences")[0];
        Assert.That((first.GetProperty("part").GetString(), first.GetProperty("field").GetString(), first.GetProperty("b").GetString()), Is.EqualTo(("command", "name", "Bank One")));
    }

    [Test]
    public void A_journal_that_goes_on_where_another_ends_is_told_with_how_much_longer_it_is()
    {
        List<(BlockHeader Header, Payment[] Slots)> blocks = Blocks();
        Write("a", blocks[..^1]);
        Write("b", blocks);
        JsonElement report = Diff(1, "a", "b");
        Assert.That(report.GetProperty("prefix").GetBoolean());
        Assert.That(WrittenJournal.RunExpecting(1, "diff", At("b"), At("a")), Does.Contain("the second is the beginning of the first, which is 1 blocks and 3 sequences longer"));
    }

    [Test]
    public void The_same_payments_cut_into_other_blocks_are_the_same_and_a_difference_behind_the_cut_is_found()
    {
        var random = PrintedSeed.Create();
        var rules = new SharedRules();
        var generator = new StreamGenerator((ulong)random.Next(), 5_000, rules, rules.Encode);
        (BlockHeader, Payment[])[] blocks = [.. WrittenJournal.Of(generator.Blocks())];
        WrittenJournal.Write(At("a"), generator.Genesis, blocks);
        List<(BlockHeader Header, Payment[] Slots)> cut = [.. WrittenJournal.Cut(blocks, random)];
        WrittenJournal.Write(At("b"), generator.Genesis, cut);
        JsonElement report = Diff(0, "a", "b");
        Assert.That(report.GetProperty("same").GetBoolean());
        Assert.That(report.TryGetProperty("cut_from_block", out _));

        (BlockHeader header, Payment[] slots) = cut.Last(block => block.Header.Kind == BlockKind.Payments);
        int place = random.Next(slots.Length);
        slots[place].Amount ^= 1;
        WrittenJournal.Write(At("c"), generator.Genesis, cut);
        slots[place].Amount ^= 1;
        JsonElement first = Diff(1, "a", "c").GetProperty("differences")[0];
        Assert.That((first.GetProperty("field").GetString(), first.GetProperty("sequence").GetString()), Is.EqualTo(("amount", Text(header.FirstSequence + (ulong)place))));
    }

    [Test]
    public void States_are_compared_at_points_and_the_first_account_that_differs_is_named()
    {
        List<(BlockHeader Header, Payment[] Slots)> blocks = Blocks();
        Write("a", blocks);
        ulong before = blocks[^2].Header.FirstSequence;
        Assert.That(Parse(WrittenJournal.RunExpecting(0, "diff", At("a") + "@" + Text(before), At("a") + "@" + Text(before), "--json")).GetProperty("same").GetBoolean());
        JsonElement report = Parse(WrittenJournal.RunExpecting(1, "diff", At("a") + "@" + Text(before - 1), At("a") + "@" + Text(before), "--json"));
        JsonElement available = report.GetProperty("differences").EnumerateArray().First(found => found.GetProperty("where").GetString() == "wallet 1 EUR");
        Assert.That((available.GetProperty("field").GetString(), available.GetProperty("a").GetString(), available.GetProperty("b").GetString()), Is.EqualTo(("available", "999.50", "999.40")));
        List<(BlockHeader Header, Payment[] Slots)> changed = Blocks();
        changed[^1].Slots[0].Amount++;
        Write("b", changed);
        WrittenJournal.RunExpecting(0, "diff", At("a"), At("b"), "--at", Text(changed[^1].Header.FirstSequence - 1));
        WrittenJournal.RunExpecting(1, "diff", At("a"), At("b"), "--at", "end");
    }

    [Test]
    public void Two_files_of_balances_are_compared_by_account_and_column()
    {
        Write("a", Blocks());
        List<(BlockHeader Header, Payment[] Slots)> changed = Blocks();
        changed[^1].Slots[0].Amount++;
        Write("b", changed);
        foreach (string journal in (string[])["a", "b"])
            WrittenJournal.RunExpecting(0, "state", At(journal), "--out", At(journal + ".csv"));
        WrittenJournal.RunExpecting(0, "diff", At("a.csv"), At("a.csv"));
        JsonElement found = Diff(1, "a.csv", "b.csv").GetProperty("differences")[0];
        Assert.That((found.GetProperty("where").GetString(), found.GetProperty("field").GetString()), Is.EqualTo(("wallet 1 EUR", "available")));
    }

    [Test]
    public void What_cannot_be_compared_is_refused_in_a_sentence_with_exit_code_2()
    {
        Write("a", Blocks());
        File.WriteAllText(At("x.csv"), "nothing\n");
        Assert.That(WrittenJournal.RunExpecting(2, "diff", At("a"), At("nowhere")), Does.Contain("There is no directory"));
        Assert.That(WrittenJournal.RunExpecting(2, "diff", At("a"), At("x.csv")), Does.Contain("is a file"));
        Assert.That(WrittenJournal.RunExpecting(2, "diff", At("x.csv"), At("x.csv")), Does.Contain("is no file of"));
        Assert.That(WrittenJournal.RunExpecting(2, "diff", At("a") + "@soon", At("a")), Does.Contain("a sequence such as"));
        Assert.That(WrittenJournal.RunExpecting(2, "diff", At("a"), At("a"), "--at", "999999"), Does.Contain("lies behind the journal's end"));
        string log = Path.Combine(At("a"), "journal.log.0");
        byte[] bytes = File.ReadAllBytes(log);
        bytes[400] ^= 1;
        Write("b", Blocks());
        File.WriteAllBytes(log, bytes);
        Assert.That(WrittenJournal.RunExpecting(2, "diff", At("a"), At("b")), Does.Contain("damaged"));
    }

    public delegate void Planted<T>(ref T value);

    /// <summary>Genesis, the cast, openings, five payments, a tick, five payments, three payments.</summary>
    private static List<(BlockHeader Header, Payment[] Slots)> Blocks()
    {
        var name = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = 1 };
        name.SetName("bank 1");
        List<Payment> cast = [LiveLedger.Slot(name), LiveLedger.Slot(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = LiveLedger.Euro, Scale = 2 })];
        List<Payment> openings = [];
        for (ulong wallet = 1; wallet <= 4; wallet++)
        {
            cast.Add(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.OpenWallet, Subject = wallet, Participant = 1, Country = 276, Currency = LiveLedger.Euro }));
            openings.Add(new Payment
            {
                IdHigh = Limits.OpeningIdHigh | LiveLedger.Euro, IdLow = wallet, Payee = wallet, Amount = 100_000, Currency = LiveLedger.Euro,
                Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Limits.OperatorSession,
            });
        }

        ulong number = 0;
        Payment[] Pay(int count) => [.. Enumerable.Range(0, count).Select(_ => LiveLedger.Pay(1, 2, 10, stream: 77, ++number))];
        List<(BlockHeader, Payment[])> blocks = [];
        ulong sequence = 1;
        (BlockKind, Payment[])[] contents =
        [
            (BlockKind.Genesis, []), (BlockKind.Control, [.. cast]), (BlockKind.Payments, [.. openings]), (BlockKind.Payments, Pay(5)), (BlockKind.Tick, []),
            (BlockKind.Payments, Pay(5)), (BlockKind.Payments, Pay(3)),
        ];
        foreach ((BlockKind kind, Payment[] slots) in contents)
        {
            blocks.Add((new BlockHeader { Kind = kind, FirstSequence = sequence, Count = (uint)slots.Length, TimeNs = StartNs + ((ulong)blocks.Count * 1_000) }, slots));
            sequence += (ulong)slots.Length;
        }

        return blocks;
    }

    /// <summary>Evidence of good form: a signature by the first key of the payer of the block's first payment.</summary>
    private static byte[] Signed(byte last)
    {
        var entry = new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = SignatureScheme.P256, Length = NodeKey.SignatureBytes, Key = 1 };
        byte[] bytes = new byte[EvidenceEntry.Size + entry.PaddedLength];
        MemoryMarshal.Write(bytes, in entry);
        bytes[^1] = last;
        return bytes;
    }

    private void Write(string name, List<(BlockHeader Header, Payment[] Slots)> blocks, UInt128? ledger = null, Genesis? genesis = null, byte[]? attachment = null)
    {
        Genesis made = genesis ?? LiveLedger.SmallGenesis();
        using FasterJournal journal = FasterJournal.Create(At(name), ledger ?? WrittenJournal.Ledger, StartNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in made)), JournalOptions.Small);
        for (int i = 1; i < blocks.Count; i++)
            WrittenJournal.Append(journal, blocks[i].Header, blocks[i].Slots, i == blocks.Count - 1 ? attachment : []);
        journal.Commit();
        journal.WaitDurable(journal.LastBlock);
    }

    private JsonElement Diff(int code, string a, string b) => Parse(WrittenJournal.RunExpecting(code, "diff", At(a), At(b), "--json"));

    private static string[] FieldsOf(JsonElement report) => [.. report.GetProperty("differences").EnumerateArray().Select(found => found.GetProperty("field").GetString()!)];

    private static JsonElement Parse(string output)
    {
        using var json = JsonDocument.Parse(output);
        return json.RootElement.Clone();
    }

    private string At(string name) => _folder.PathOf(name);

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
