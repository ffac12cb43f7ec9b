using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Replay;

/// <summary>`replay statement` over generated histories: its running balances are those of the naive twin behind every single sequence.</summary>
[TestFixture]
public sealed class StatementTests
{
    private const int Payments = 6_000;
    private const int Wallets = 8;

    /// <summary>Fixed, so that every kind of movement comes about.</summary>
    [Test]
    public void Running_balances_are_those_of_the_naive_twin_behind_every_sequence_and_every_kind_of_movement_is_told()
    {
        HashSet<string> kinds = [];
        foreach (ulong seed in (ulong[])[4, 7])
            kinds.UnionWith(Follow(seed));
        Assert.That(kinds, Is.SupersetOf(
            ["payment_in", "payment_out", "hold", "capture_in", "capture_out", "void", "hold_expired", "refund_in", "refund_out", "opening", "issue", "pending_available", "review"]));
    }

    [Test]
    public void Running_balances_are_those_of_the_naive_twin_on_ever_new_histories() => Follow((ulong)PrintedSeed.Next());

    [Test]
    public void A_part_of_a_statement_is_what_the_whole_one_has_there_and_opens_with_what_was_before()
    {
        var random = PrintedSeed.Create();
        using var folder = new TemporaryFolder();
        (GeneratedBlock[] blocks, StreamGenerator generator, _) = Write((ulong)random.Next(), folder.Path);
        ulong wallet = Busiest(blocks)[0];
        Row[] whole = Statement(folder.Path, wallet);
        ulong last = generator.Model.SequenceNext - 1;
        for (int round = 0; round < 5; round++)
        {
            ulong from = (ulong)random.NextInt64(1, (long)last), to = (ulong)random.NextInt64((long)from, (long)last);
            Row[] part = Statement(folder.Path, wallet, "--from", Text(from), "--to", Text(to));
            Row[] expected = [.. whole.Where(row => row.Sequence >= from && row.Sequence <= to)];
            // A point inside a control block is the end of its command, which may lie a little behind it.
            Assert.That(part.Where(row => row.Sequence <= to), Is.EqualTo(expected), $"{from} to {to}");
            if (part.Length == 0)
                continue;
            string text = WrittenJournal.RunExpecting(0, "statement", folder.Path, "--wallet", Text(wallet), "--from", Text(from), "--to", Text(to));
            foreach (string currency in part.Select(row => row.Currency).Distinct())
            {
                Row before = whole.LastOrDefault(row => row.Sequence < from && row.Currency == currency);
                if (before != default)
                    Assert.That(text, Does.Contain($"opening balance {currency}: available {before.Available}, pending {before.Pending}, held {before.Held}"));
            }
        }
    }

    private static HashSet<string> Follow(ulong seed)
    {
        using var folder = new TemporaryFolder();
        (GeneratedBlock[] blocks, StreamGenerator generator, SharedRules rules) = Write(seed, folder.Path);
        HashSet<string> kinds = [];
        ulong[] wallets = Busiest(blocks);
        Dictionary<(ulong, string), List<(ulong Sequence, string Held)>> history = History(generator, rules.Fresh(), blocks, wallets);
        foreach (ulong wallet in wallets)
        {
            Row[] rows = Statement(folder.Path, wallet);
            kinds.UnionWith(rows.Select(row => row.Kind));
            foreach (var account in rows.GroupBy(row => row.Currency))
                ExpectSame([.. account], history.GetValueOrDefault((wallet, account.Key), []), blocks, $"seed {seed}, wallet {wallet} {account.Key}");
            foreach ((ulong of, string currency) in history.Keys)
                if (of == wallet)
                    Assert.That(rows.Any(row => row.Currency == currency), $"seed {seed}, wallet {wallet} {currency}: it changed, and no movement is told");
        }

        return kinds;
    }

    /// <summary>Every change of the twin's account is told at its sequence, and nothing else is.</summary>
    private static void ExpectSame(Row[] rows, List<(ulong Sequence, string Held)> changes, GeneratedBlock[] blocks, string where)
    {
        Assert.That(Behind(rows.Select(row => (row.Sequence, row.Holding)), blocks), Is.EqualTo(Behind(changes, blocks)), where);
        decimal total = 0;
        foreach (Row row in rows)
        {
            total += row.Change;
            Assert.That(row.Total, Is.EqualTo(total), $"{where}, sequence {row.Sequence}: the changes add up");
        }
    }

    /// <summary>
    /// The holding behind each sequence at which it is another. Several movements may stand at one: what a tick brings about stands at the sequence that comes
    /// next, beside what its payment does; and together they may cancel out. The twin takes a block of commands in one go: all that moves in it (holds that
    /// expire as it begins, a batch that a command closes) counts as one.
    /// </summary>
    private static List<(ulong Sequence, string Holding)> Behind(IEnumerable<(ulong Sequence, string Holding)> movements, GeneratedBlock[] blocks)
    {
        ulong Together(ulong sequence) => blocks.FirstOrDefault(block => block.Header.Kind == BlockKind.Control
            && sequence >= block.Header.FirstSequence && sequence < block.Header.FirstSequence + block.Header.Count)?.Header.FirstSequence ?? sequence;
        List<(ulong Sequence, string Holding)> behind = [];
        foreach (var sequence in movements.GroupBy(movement => Together(movement.Sequence)))
        {
            if (behind.Count == 0 || sequence.Last().Holding != behind[^1].Holding)
                behind.Add((sequence.Key, sequence.Last().Holding));
        }

        return behind;
    }

    /// <summary>What each wallet held behind every sequence at which that changed, slot by slot.</summary>
    private static Dictionary<(ulong, string), List<(ulong Sequence, string Held)>> History(StreamGenerator generator, SharedRules rules, GeneratedBlock[] blocks, ulong[] wallets)
    {
        var history = new Dictionary<(ulong, string), List<(ulong, string)>>();
        var twin = new NaiveEngine(generator.Genesis, rules);
        foreach (GeneratedBlock block in blocks)
        {
            int step = block.Header.Kind == BlockKind.Payments ? 1 : Math.Max(1, block.Slots.Length);
            for (int done = 0; done == 0 || done < block.Slots.Length; done += step)
            {
                BlockHeader header = block.Header;
                Payment[] slots = block.Slots.Length == 0 ? [] : block.Slots[done..(done + step)];
                (header.Number, header.FirstSequence, header.Count) = (twin.BlockNumberNext, twin.SequenceNext, (uint)slots.Length);
                ulong sequence = twin.SequenceNext;
                twin.Apply(header, slots);
                foreach (ulong wallet in wallets)
                    Note(history, twin, wallet, block.Header.Kind == BlockKind.Control ? null : sequence, block);
            }
        }

        return history;
    }

    private static void Note(Dictionary<(ulong, string), List<(ulong, string)>> history, NaiveEngine twin, ulong wallet, ulong? sequence, GeneratedBlock block)
    {
        foreach (NaiveCurrency currency in twin.Currencies)
        {
            if (twin.Account(wallet, currency.Number) is not { } account)
                continue;
            string held = string.Join(' ', new[] { account.Available, account.Pending, account.Held }.Select(amount => AmountText.ToText(amount, currency.Scale)));
            string zero = string.Join(' ', Enumerable.Repeat(AmountText.ToText(0UL, currency.Scale), 3));
            var key = (wallet, Iso4217.LettersOf(currency.Number));
            string before = history.TryGetValue(key, out var list) ? list[^1].Item2 : zero;
            if (held == before)
                continue;
            if (list is null)
                history[key] = list = [];
            list.Add((sequence ?? SequenceOfChange(block, twin, before, held), held));
        }
    }

    /// <summary>In a control block money moves as the block begins (holds expire, the batch closes by age), or at a command to close the batch.</summary>
    private static ulong SequenceOfChange(GeneratedBlock block, NaiveEngine twin, string before, string held)
    {
        int close = Array.FindIndex(block.Slots, slot => slot.Instruction == Instruction.CloseBatch);
        bool closedByCommand = twin.ClosedBatches.Count > 0 && twin.ClosedBatchesBy[^1] == ClosedBy.Command
            && close >= 0 && twin.ClosedBatches[^1].SequenceAtClose >= block.Header.FirstSequence;
        bool pendingMoved = before.Split(' ')[1] != held.Split(' ')[1];
        return closedByCommand && pendingMoved ? twin.ClosedBatches[^1].SequenceAtClose : block.Header.FirstSequence;
    }

    private static (GeneratedBlock[] Blocks, StreamGenerator Generator, SharedRules Rules) Write(ulong seed, string folder)
    {
        TestContext.Out.WriteLine($"history {seed}");
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, Payments, rules, rules.Encode);
        GeneratedBlock[] blocks = [.. generator.Blocks()];
        WrittenJournal.Write(folder, generator.Genesis, WrittenJournal.Of(blocks));
        return (blocks, generator, rules);
    }

    private static ulong[] Busiest(GeneratedBlock[] blocks)
    {
        var counts = new Dictionary<ulong, int>();
        foreach (GeneratedBlock block in blocks.Where(block => block.Header.Kind == BlockKind.Payments))
        {
            for (int i = 0; i < block.Slots.Length; i++)
            {
                if (!block.Expected[i].Verdict.IsAccepted() || block.Slots[i].Instruction is Instruction.Capture or Instruction.Void or Instruction.Refund)
                    continue;
                foreach (ulong wallet in (ulong[])[block.Slots[i].Payer, block.Slots[i].Payee])
                    counts[wallet] = counts.GetValueOrDefault(wallet) + (block.Slots[i].Instruction == Instruction.Hold || block.Expected[i].Verdict == Verdict.UnderReview ? 20 : 1);
            }
        }

        counts.Remove(0);
        return [.. counts.OrderByDescending(count => count.Value).ThenBy(count => count.Key).Take(Wallets).Select(count => count.Key)];
    }

    private static Row[] Statement(string journal, ulong wallet, params string[] words)
    {
        using var folder = new TemporaryFolder();
        string file = folder.PathOf("statement.csv");
        WrittenJournal.RunExpecting(0, ["statement", journal, "--wallet", Text(wallet), "--out", file, .. words]);
        Assert.That(Directory.GetFiles(folder.Path), Is.EqualTo(new[] { file }), "nothing but the file is left");
        return [.. File.ReadLines(file).Skip(1).Select(Row.Parse)];
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Row(ulong Sequence, string Kind, string Currency, decimal Change, string Available, string Pending, string Held)
    {
        public string Holding => $"{Available} {Pending} {Held}";

        public decimal Total => Number(Available) + Number(Pending) + Number(Held);

        public static Row Parse(string line) => line.Split(',') is [var sequence, _, _, var kind, _, _, _, var currency, _, var change, var available, var pending, var held]
            ? new Row(ulong.Parse(sequence, CultureInfo.InvariantCulture), kind, currency, Number(change), available, pending, held)
            : throw new FormatException(line);

        private static decimal Number(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);
    }
}
