using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>`replay state` at random points of generated histories, held against the naive twin brought to the same point.</summary>
[TestFixture]
public sealed class StateTests
{
    private const int Payments = 6_000;
    private const int Points = 6;

    [TestCase(0)]
    [TestCase(3)]
    public void The_state_at_any_sequence_is_that_of_the_naive_twin(int temper)
    {
        var random = PrintedSeed.Create();
        ulong seed = ((ulong)random.Next() << 2) | (uint)temper;
        TestContext.Out.WriteLine($"history {seed}");
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, Payments, rules, rules.Encode);
        GeneratedBlock[] blocks = [.. generator.Blocks()];
        using var folder = new TemporaryFolder();
        WrittenJournal.Write(folder.Path, generator.Genesis, WrittenJournal.Of(blocks));

        ulong last = generator.Model.SequenceNext - 1;
        ulong[] points = [.. Enumerable.Range(0, Points).Select(_ => (ulong)random.NextInt64(1, (long)last)).Append(last).Order().Distinct()];
        var twin = new NaiveEngine(generator.Genesis, rules.Fresh());
        using IEnumerator<GeneratedBlock> rest = ((IEnumerable<GeneratedBlock>)blocks).GetEnumerator();
        Payment[] slots = [];
        BlockHeader header = default;
        foreach (ulong asked in points)
        {
            while (twin.SequenceNext <= asked)
            {
                if (slots.Length == 0)
                {
                    rest.MoveNext();
                    (header, slots) = (rest.Current.Header, rest.Current.Slots);
                }

                int count = header.Kind == BlockKind.Payments ? (int)Math.Min((ulong)slots.Length, asked + 1 - twin.SequenceNext) : slots.Length;
                Feed(twin, header, slots[..count]);
                slots = slots[count..];
            }

            // A point inside a control block is the end of a command; the twin has taken the whole block.
            ulong point = header.Kind == BlockKind.Control ? twin.SequenceNext - 1 : asked;
            Expect(twin, folder.Path, point);
        }
    }

    [Test]
    public void A_point_inside_a_command_shows_the_state_behind_the_command()
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(4, 500, rules, rules.Encode);
        GeneratedBlock[] blocks = [.. generator.Blocks()];
        using var folder = new TemporaryFolder();
        WrittenJournal.Write(folder.Path, generator.Genesis, WrittenJournal.Of(blocks));
        GeneratedBlock control = blocks.First(block => block.Header.Kind == BlockKind.Control && block.Slots.Any(slot => slot.Instruction == Instruction.ActivateRules));
        int at = Array.FindIndex(control.Slots, slot => slot.Instruction == Instruction.ActivateRules);
        ulong sequence = control.Header.FirstSequence + (ulong)at;
        JsonElement state = State(folder.Path, sequence);
        Assert.That(ulong.Parse(state.GetProperty("sequence").GetString()!, CultureInfo.InvariantCulture), Is.GreaterThan(sequence), "rules go on over slots");
        Assert.That(state.GetProperty("rules").GetString(), Has.Length.EqualTo(64));
    }

    private static void Feed(NaiveEngine twin, BlockHeader header, Payment[] slots)
    {
        if (header.Kind == BlockKind.Genesis)
        {
            twin.Apply(header, []);
            return;
        }

        header.Number = twin.BlockNumberNext;
        header.FirstSequence = twin.SequenceNext;
        header.Count = (uint)slots.Length;
        twin.Apply(header, slots);
    }

    private static void Expect(NaiveEngine twin, string journal, ulong point)
    {
        JsonElement state = State(journal, point);
        Assert.That(state.GetProperty("sequence").GetString(), Is.EqualTo(Text(point)));
        Assert.That(state.GetProperty("open_batch").GetProperty("number").GetString(), Is.EqualTo(Text(twin.OpenBatch)));
        Assert.That(state.GetProperty("open_batch").GetProperty("count").GetString(), Is.EqualTo(Text(twin.OpenBatchSoFar.Count)));
        Assert.That(state.GetProperty("holds").GetInt32(), Is.EqualTo(twin.Targets.Values.Count(target => target.IsHold)));
        Assert.That(state.GetProperty("refundables").GetInt32(), Is.EqualTo(twin.Targets.Values.Count(target => !target.IsHold && target.UnderReview is null)));
        Assert.That(state.GetProperty("reviews").GetInt32(), Is.EqualTo(twin.Targets.Values.Count(target => target.UnderReview is not null)));
        Assert.That(state.GetProperty("streams").GetInt32(), Is.EqualTo(twin.Streams.Count));
        var scales = twin.Currencies.ToDictionary(currency => currency.Number, currency => currency.Scale);
        string Amount(BigInteger amount, ushort currency) => AmountText.ToText((Int128)amount, scales[currency]);
        foreach (JsonElement currency in state.GetProperty("currencies").EnumerateArray())
        {
            ushort number = Iso4217.NumberOf(currency.GetProperty("currency").GetString());
            Assert.That(currency.GetProperty("outstanding").GetString(), Is.EqualTo(Amount(twin.Outstanding(number), number)), $"at {point}");
        }

        List<string> expected = [];
        foreach (NaiveWallet wallet in twin.Wallets.Values)
            expected.AddRange(wallet.Accounts.Values.Select(account =>
                $"{wallet.Id} {Iso4217.LettersOf(account.Currency)} {Amount(account.Available, account.Currency)} {Amount(account.Pending, account.Currency)} {Amount(account.Held, account.Currency)}"));
        string[] shown = [.. state.GetProperty("balances").EnumerateArray().Select(balance =>
            string.Join(' ', new[] { "wallet", "currency", "available", "pending", "held" }.Select(field => balance.GetProperty(field).GetString())))];
        Assert.That(shown, Is.EquivalentTo(expected), $"at {point}");

        var positions = state.GetProperty("positions").EnumerateArray().ToDictionary(
            position => (position.GetProperty("participant").GetString()!, position.GetProperty("currency").GetString()!),
            position => (position.GetProperty("open").GetString()!, position.GetProperty("unsettled").GetString()!));
        for (ushort participant = 0; participant < twin.Participants.Count; participant++)
        {
            foreach (NaiveCurrency currency in twin.Currencies)
            {
                ushort number = currency.Number;
                var key = (twin.Participants[participant], Iso4217.LettersOf(number));
                (string, string) stated = positions.TryGetValue(key, out var found) ? found : (Amount(0, number), Amount(0, number));
                Assert.That(stated, Is.EqualTo((Amount(twin.OpenPosition(participant, number), number), Amount(twin.UnsettledPosition(participant, number), number))), $"{key} at {point}");
            }
        }
    }

    private static JsonElement State(string journal, ulong point)
    {
        using var json = JsonDocument.Parse(WrittenJournal.RunExpecting(0, "state", journal, "--at", Text(point), "--balances", "--json"));
        return json.RootElement.Clone();
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
