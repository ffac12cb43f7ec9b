using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Text;
using Settlement.Tests.Live;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>`replay what-if`: a small case by hand, and generated histories against the naive twin run under the other table.</summary>
[TestFixture]
public sealed class WhatIfTests
{
    private const string ClosedToFrance = """
        { "version": 1, "rules": [ { "id": 7, "name": "de.fr", "kind": "deny", "when": { "src": "DE", "dst": "FR" } } ] }
        """;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    private string Journal => _folder.PathOf("journal");

    [Test]
    public void A_payment_that_now_fails_leaves_its_payee_poorer_and_what_follows_from_that_is_told_apart()
    {
        WriteThree();
        JsonElement report = WhatIf(ClosedToFrance);
        Assert.That((report.GetProperty("flips").GetInt64(), report.GetProperty("primary").GetInt64(), report.GetProperty("consequential").GetInt64()), Is.EqualTo((2, 1, 1)));
        Assert.That(Lines(report, "verdicts", "from", "to", "cause", "currency", "count", "value"), Is.EqualTo(new[]
        {
            "accepted denied_by_rule primary EUR 1 100.00", "accepted insufficient_funds consequential EUR 1 80.00",
        }));
        Assert.That(Lines(report, "decided_by", "decided_by", "under", "rule", "rule_name", "count"), Is.EqualTo(new[]
        {
            "denied_by_rule hypothetical 7 de.fr 1", "insufficient_funds hypothetical - - 1",
        }));
        Assert.That(Lines(report, "corridors", "source", "destination", "currency", "cause", "count", "value"), Is.EqualTo(new[]
        {
            "DE FR EUR primary 1 100.00", "FR DE EUR consequential 1 80.00",
        }));
        Assert.That(Lines(report, "participants", "participant", "value"), Is.EqualTo(new[] { "bank 1 100.00", "bank 2 80.00" }));
        Assert.That(Lines(report, "value_bands", "band", "count"), Is.EqualTo(new[] { "100 to 1000 1", "10 to 100 1" }));
        Assert.That(Lines(report, "examples", "sequence", "id", "payer", "payee", "amount", "from", "to", "cause"), Is.EqualTo(new[]
        {
            "8 000000000000004d:1 1 2 100.00 accepted denied_by_rule primary", "9 000000000000004d:2 2 3 80.00 accepted insufficient_funds consequential",
        }));
        JsonElement euro = report.GetProperty("balances")[0];
        Assert.That((euro.GetProperty("accounts").GetInt64(), euro.GetProperty("more").GetString(), euro.GetProperty("less").GetString()), Is.EqualTo((3, "100.00", "100.00")));
        Assert.That(Lines(euro, "biggest", "wallet", "actual", "hypothetical", "change"), Is.EqualTo(new[] { "1 895.00 995.00 100.00", "3 85.00 5.00 -80.00", "2 20.00 0.00 -20.00" }));
        Assert.That(Lines(report.GetProperty("batches"), "total", "participant", "currency", "change"), Is.EqualTo(new[] { "bank 1 EUR 20.00", "bank 2 EUR -20.00" }));
        Assert.That(report.GetProperty("batches").GetProperty("changed").GetInt64(), Is.EqualTo(1));
        string text = WrittenJournal.RunExpecting(0, "what-if", Journal, "--rules", Table(ClosedToFrance));
        Assert.That(text, Does.Contain("2 payments would have another verdict: 1 by the rules, 1 because of earlier ones").And.Contain("denied_by_rule by rule 7 de.fr under the other rules"));
    }

    [Test]
    public void The_table_that_the_journal_activates_flips_nothing_and_none_undoes_it()
    {
        ulong first = WriteThree(ClosedToFrance);
        Assert.That(WhatIf(ClosedToFrance).GetProperty("flips").GetInt64(), Is.Zero, "in force earlier, but no payment stands before");
        JsonElement open = WhatIf("none");
        Assert.That(Lines(open, "verdicts", "from", "to", "cause"), Is.EqualTo(new[] { "denied_by_rule accepted primary", "insufficient_funds accepted consequential" }));
        Assert.That(Lines(open, "decided_by", "decided_by", "under", "rule_name"), Is.EqualTo(new[] { "denied_by_rule actual de.fr", "insufficient_funds actual -" }));
        Assert.That(WhatIf("none", "--from", Text(first + 1)).GetProperty("flips").GetInt64(), Is.Zero, "the denied payment stands before");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Every_verdict_is_that_of_the_naive_twin_run_under_the_other_table(bool fromTheBeginning)
    {
        var random = PrintedSeed.Create();
        ulong seed = (ulong)random.Next();
        TestContext.Out.WriteLine($"history {seed}");
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, 6_000, rules, rules.Encode);
        GeneratedBlock[] blocks = [.. generator.Blocks()];
        NaiveEngine model = generator.Model;
        WrittenJournal.Write(Journal, generator.Genesis, WrittenJournal.Of(blocks));
        List<TableRule> table = TableFor(model);
        ulong from = fromTheBeginning ? 1 : (ulong)random.NextInt64(1, (long)model.SequenceNext);
        TestContext.Out.WriteLine($"from {from}");

        var switched = new SwitchedRules(rules.Fresh(), table);
        var twin = new NaiveEngine(generator.Genesis, switched);
        Dictionary<ulong, (Verdict, Verdict)> expected = Flips(blocks, twin, switched, from);
        string file = _folder.PathOf("flips.csv");
        JsonElement report = WhatIf(Json(table, model), "--from", Text(from), "--out", file);
        var told = File.ReadLines(file).Skip(1).Select(line => line.Split(',')).ToDictionary(
            fields => ulong.Parse(fields[0], CultureInfo.InvariantCulture), fields => (fields[9], fields[10]));
        Assert.That(told, Is.EquivalentTo(expected.ToDictionary(flip => flip.Key, flip => (VerdictText.NameOf(flip.Value.Item1), VerdictText.NameOf(flip.Value.Item2)))));
        Assert.That(report.GetProperty("flips").GetInt64(), Is.EqualTo(expected.Count));
        ExpectMoney(report, model, twin);
    }

    [Test]
    public void Without_rules_nothing_flips_before_the_journal_activates_any()
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator((ulong)PrintedSeed.Next(), 4_000, rules, rules.Encode);
        GeneratedBlock[] blocks = [.. generator.Blocks()];
        WrittenJournal.Write(Journal, generator.Genesis, WrittenJournal.Of(blocks));
        ulong first = FirstActivation(blocks);
        Assert.That(first, Is.GreaterThan(1));
        Assert.That(WhatIf("none", "--to", Text(first - 1)).GetProperty("flips").GetInt64(), Is.Zero);
    }

    [TestCase("Option '--rules' is required", "what-if", "JOURNAL")]
    [TestCase("a readable file", "what-if", "JOURNAL", "--rules", "/nowhere.json")]
    [TestCase("line 1, column 59", "what-if", "JOURNAL", "--rules", "BAD")]
    [TestCase("--examples many", "what-if", "JOURNAL", "--rules", "none", "--examples", "many")]
    [TestCase("nothing is behind the end", "what-if", "JOURNAL", "--rules", "none", "--from", "end")]
    [TestCase("lies behind the journal's end", "what-if", "JOURNAL", "--rules", "none", "--from", "5000")]
    [TestCase("lies behind --to", "what-if", "JOURNAL", "--rules", "none", "--from", "9", "--to", "3")]
    [TestCase("There is no directory", "what-if", "/nowhere/at/all", "--rules", "none")]
    [TestCase("there is no folder", "what-if", "JOURNAL", "--rules", "none", "--out", "/nowhere/at/all/flips.csv")]
    [TestCase("There is no wallet 99", "statement", "JOURNAL", "--wallet", "99")]
    [TestCase("a wallet's number", "statement", "JOURNAL", "--wallet", "mine")]
    [TestCase("a currency of ISO 4217", "statement", "JOURNAL", "--wallet", "1", "--currency", "euros")]
    [TestCase("has no account in USD", "statement", "JOURNAL", "--wallet", "1", "--currency", "USD")]
    [TestCase("lies behind --to", "statement", "JOURNAL", "--wallet", "1", "--from", "9", "--to", "3")]
    [TestCase("There is no wallet 99", "state", "JOURNAL", "--wallet", "99")]
    [TestCase("There is no participant 'Gringotts'", "state", "JOURNAL", "--participant", "Gringotts")]
    [TestCase("lies behind the journal's end", "state", "JOURNAL", "--at", "5000")]
    [TestCase("lies before the journal's beginning", "state", "JOURNAL", "--at", "1999-01-01T00:00:00Z")]
    [TestCase("is not in the journal", "state", "JOURNAL", "--at", "batch:1")]
    [TestCase("a folder is there", "state", "JOURNAL", "--out", "JOURNAL")]
    public void What_cannot_be_used_is_refused_in_a_sentence_with_exit_code_2(string sentence, params string[] words)
    {
        WriteThree();
        string bad = _folder.PathOf("bad.json");
        File.WriteAllText(bad, """{ "version": 1, "rules": [ {"id": 1, "name": "x", "kind": "dany"} ] }""");
        (int code, string output, string error) = WrittenJournal.Run([.. words.Select(word => word switch { "JOURNAL" => Journal, "BAD" => bad, _ => word })]);
        Assert.That(code, Is.EqualTo(2), output + error);
        Assert.That(error, Does.Contain(sentence));
        Assert.That(output, Is.Empty);
    }

    /// <summary>Wallets 1 (DE, bank 1, 1,000.00), 2 (FR, bank 2), 3 (DE, bank 1): 1 pays 2 100.00, 2 pays 3 80.00, 1 pays 3 5.00.</summary>
    /// <returns>The sequence of the first of these.</returns>
    private ulong WriteThree(string? activated = null)
    {
        List<Payment> cast = [];
        for (ushort participant = 1; participant <= 2; participant++)
        {
            var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = participant };
            declare.SetName($"bank {participant}");
            cast.Add(LiveLedger.Slot(declare));
        }

        cast.Add(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = LiveLedger.Euro, Scale = 2 }));
        foreach ((ulong wallet, ushort participant, ushort country) in ((ulong, ushort, ushort)[])[(1, 1, 276), (2, 2, 250), (3, 1, 276)])
            cast.Add(LiveLedger.Slot(new ControlCommand { Instruction = Instruction.OpenWallet, Subject = wallet, Participant = participant, Country = country, Currency = LiveLedger.Euro }));
        var opening = new Payment
        {
            IdHigh = Limits.OpeningIdHigh | LiveLedger.Euro, IdLow = 1, Payee = 1, Amount = 100_000, Currency = LiveLedger.Euro,
            Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Limits.OperatorSession,
        };
        Payment[] payments = [LiveLedger.Pay(1, 2, 10_000, 77, 1), LiveLedger.Pay(2, 3, 8_000, 77, 2), LiveLedger.Pay(1, 3, 500, 77, 3)];
        foreach (ref Payment payment in payments.AsSpan())
            payment.Instruction = Instruction.Immediate;
        if (activated is not null)
        {
            Assert.That(RuleTableFile.TryParse(System.Text.Encoding.UTF8.GetBytes(activated), "table", new LedgerSymbols(new CurrencyScales()), out RuleTable? table, out _));
            cast.AddRange(LiveLedger.Slots(new ControlCommand { Instruction = Instruction.ActivateRules }, table!.Encode()));
        }

        List<(BlockHeader, Payment[])> blocks = [];
        ulong sequence = 1;
        foreach ((BlockKind kind, Payment[] slots) in ((BlockKind, Payment[])[])[(BlockKind.Genesis, []), (BlockKind.Control, [.. cast]), (BlockKind.Payments, [opening]), (BlockKind.Payments, payments)])
        {
            blocks.Add((new BlockHeader { Kind = kind, FirstSequence = sequence, Count = (uint)slots.Length, TimeNs = LiveLedger.StartNs }, slots));
            sequence += (ulong)slots.Length;
        }

        WrittenJournal.Write(Journal, LiveLedger.SmallGenesis(), blocks);
        return sequence - (ulong)payments.Length;
    }

    private JsonElement WhatIf(string table, params string[] words)
    {
        using var json = JsonDocument.Parse(WrittenJournal.RunExpecting(0, ["what-if", Journal, "--rules", Table(table), "--json", .. words]));
        return json.RootElement.Clone();
    }

    private string Table(string table)
    {
        if (table == "none")
            return table;
        string file = _folder.PathOf("table.json");
        File.WriteAllText(file, table);
        return file;
    }

    private static string[] Lines(JsonElement report, string list, params string[] fields) =>
        [.. report.GetProperty(list).EnumerateArray().Select(line => string.Join(' ', fields.Select(field => line.TryGetProperty(field, out JsonElement value) ? value.ToString() : "-")))];

    /// <summary>A closed corridor, a ceiling and limits that bite, between the countries and in the currencies of a history.</summary>
    private static List<TableRule> TableFor(NaiveEngine model)
    {
        ushort[] countries = [.. model.Wallets.Values.GroupBy(wallet => wallet.Country).OrderByDescending(wallets => wallets.Count()).ThenBy(wallets => wallets.Key).Take(3).Select(wallets => wallets.Key)];
        (ushort one, ushort other) = (model.Currencies[0].Number, model.Currencies[1].Number);
        return
        [
            new TableRule(3, TableRuleKind.Deny, countries[0], countries[1], 0),
            new TableRule(5, TableRuleKind.Ceiling, countries[1], 0, one, TierMax: 2, Ceiling: 2_000),
            new TableRule(8, TableRuleKind.Limit, countries[0], 0, one, TierMax: 3, Ceiling: 30_000, new NaiveWindow(NaiveWindowKind.Day)),
            new TableRule(9, TableRuleKind.Limit, countries[2], 0, other, TierMax: 3, Ceiling: 60_000, new NaiveWindow(NaiveWindowKind.Rolling30Days)),
        ];
    }

    private static string Json(List<TableRule> table, NaiveEngine model)
    {
        string Money(TableRule rule) => $"{Iso4217.LettersOf(rule.Currency)} {AmountText.ToText(rule.Ceiling, model.Currencies.First(currency => currency.Number == rule.Currency).Scale)}";
        IEnumerable<string> rules = table.Select(rule => rule.Kind switch
        {
            TableRuleKind.Deny => $$"""{ "id": {{rule.Number}}, "name": "r{{rule.Number}}", "kind": "deny", "when": { "src": {{rule.Source}}, "dst": {{rule.Destination}} } }""",
            TableRuleKind.Ceiling => $$"""{ "id": {{rule.Number}}, "name": "r{{rule.Number}}", "kind": "require", "needs": { "tier": { ">": {{rule.TierMax}} } }, "when": { "src": {{rule.Source}}, "amount": { ">": "{{Money(rule)}}" } } }""",
            _ => $$"""{ "id": {{rule.Number}}, "name": "r{{rule.Number}}", "kind": "limit", "window": "{{(rule.Window.Kind == NaiveWindowKind.Day ? "day" : "rolling 30 days")}}", "ceiling": "{{Money(rule)}}", "when": { "src": {{rule.Source}} } }""",
        });
        return $$"""{ "version": 1, "rules": [ {{string.Join(",\n", rules)}} ] }""";
    }

    /// <summary>Runs the twin under the other rules, from a sequence on.</summary>
    /// <returns>By sequence: the verdict that the history has, and the twin's.</returns>
    private static Dictionary<ulong, (Verdict, Verdict)> Flips(GeneratedBlock[] blocks, NaiveEngine twin, SwitchedRules rules, ulong from)
    {
        var flips = new Dictionary<ulong, (Verdict, Verdict)>();
        foreach (GeneratedBlock block in blocks)
        {
            for (int done = 0; done == 0 || done < block.Slots.Length;)
            {
                ulong next = block.Header.FirstSequence + (ulong)done;
                rules.IsSwitched |= next >= from || (block.Header.Kind == BlockKind.Control && next + (ulong)block.Slots.Length > from);
                int count = block.Slots.Length - done;
                if (!rules.IsSwitched && block.Header.Kind == BlockKind.Payments)
                    count = (int)Math.Min((ulong)count, from - next);
                BlockHeader header = block.Header;
                (header.Number, header.FirstSequence, header.Count) = (twin.BlockNumberNext, twin.SequenceNext, (uint)count);
                Outcome[] outcomes = twin.Apply(header, block.Slots.AsSpan(done, count));
                for (int i = 0; i < count && block.Header.Kind == BlockKind.Payments; i++)
                {
                    if (outcomes[i].Verdict != block.Expected[done + i].Verdict)
                        flips.Add(next + (ulong)i, (block.Expected[done + i].Verdict, outcomes[i].Verdict));
                }

                done += Math.Max(count, 1);
            }
        }

        return flips;
    }

    private static void ExpectMoney(JsonElement report, NaiveEngine actual, NaiveEngine hypothetical)
    {
        List<string> expected = [];
        foreach (NaiveCurrency currency in actual.Currencies)
        {
            BigInteger up = 0, down = 0;
            long accounts = 0;
            foreach (NaiveWallet wallet in actual.Wallets.Values)
            {
                if (!wallet.Accounts.TryGetValue(currency.Number, out NaiveAccount? account))
                    continue;
                BigInteger change = (BigInteger)hypothetical.Wallets[wallet.Id].Accounts[currency.Number].Total - account.Total;
                (up, down, accounts) = (up + BigInteger.Max(change, 0), down + BigInteger.Max(-change, 0), accounts + (change.IsZero ? 0 : 1));
            }

            if (accounts > 0)
                expected.Add($"{Iso4217.LettersOf(currency.Number)} {accounts} {AmountText.ToText((Int128)up, currency.Scale)} {AmountText.ToText((Int128)down, currency.Scale)}");
        }

        Assert.That(Lines(report, "balances", "currency", "accounts", "more", "less"), Is.EquivalentTo(expected));
        List<string> positions = [];
        for (ushort participant = 0; participant < actual.Participants.Count; participant++)
        {
            foreach (NaiveCurrency currency in actual.Currencies)
            {
                BigInteger change = Moved(hypothetical, participant, currency.Number) - Moved(actual, participant, currency.Number);
                if (!change.IsZero)
                    positions.Add($"{actual.Participants[participant]} {Iso4217.LettersOf(currency.Number)} {AmountText.ToText((Int128)change, currency.Scale)}");
            }
        }

        Assert.That(Lines(report.GetProperty("batches"), "total", "participant", "currency", "change"), Is.EquivalentTo(positions));
    }

    /// <summary>What a participant was owed by all payments so far, before fees.</summary>
    private static BigInteger Moved(NaiveEngine engine, ushort participant, ushort currency)
    {
        BigInteger moved = engine.OpenPosition(participant, currency);
        foreach (NaiveBatch batch in engine.ClosedBatches)
            moved += batch.Positions.GetValueOrDefault((participant, currency));
        return moved;
    }

    private static ulong FirstActivation(GeneratedBlock[] blocks)
    {
        foreach (GeneratedBlock block in blocks)
        {
            for (int i = 0; i < block.Slots.Length; i++)
            {
                if (block.Header.Kind == BlockKind.Control && block.Slots[i].Instruction == Instruction.ActivateRules && block.Expected[i].Verdict == Verdict.Accepted)
                    return block.Header.FirstSequence;
            }
        }

        throw new InvalidOperationException("the history activates no rules");
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The journal's rules until the switch, the other ones from it on; plans are known or not as they are to the journal's.</summary>
    private sealed class SwitchedRules : INaiveRules
    {
        private readonly SharedRules _journaled;
        private readonly TableRules _other = new();

        public SwitchedRules(SharedRules journaled, List<TableRule> other)
        {
            _journaled = journaled;
            Assert.That(_other.TryDecode(TableRules.Encode(other)));
        }

        public bool IsSwitched { get; set; }

        private INaiveRules Active => IsSwitched ? _other : _journaled;

        public ushort Judge(in NaiveFacts facts, bool denyOnly) => Active.Judge(in facts, denyOnly);

        public ushort Review(in NaiveFacts facts) => Active.Review(in facts);

        public ulong HoldNs(ushort rule) => Active.HoldNs(rule);

        public IEnumerable<NaiveLimit> Limits(NaiveFacts facts) => Active.Limits(facts);

        public bool NeedsSums(ushort country, ushort currency) => Active.NeedsSums(country, currency);

        public bool TryDecode(ReadOnlySpan<byte> encoded) => _journaled.TryDecode(encoded);
    }
}
