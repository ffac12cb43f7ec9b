using System.Buffers.Binary;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;

namespace Settlement.Tests.Rules;

[TestFixture]
public sealed class RuleTableTests
{
    [Test]
    public void Generated_tables_survive_their_encoding_unchanged()
    {
        RandomRules generator = new(PrintedSeed.Create());
        for (int round = 0; round < 300; round++)
        {
            RuleTable table = generator.Table(rulesMax: 10);
            Assert.That(RuleTable.TryDecode(table.Encode(), out RuleTable? again, out string error), error);
            Assert.Multiple(() =>
            {
                Assert.That(again!.Encode().ToArray(), Is.EqualTo(table.Encode().ToArray()));
                Assert.That(again.Hash, Is.EqualTo(table.Hash));
                Assert.That(again.Rules.ToArray().Select(Text), Is.EqualTo(table.Rules.ToArray().Select(Text)));
            });
        }
    }

    private static string Text(Rule rule) => $"{rule.Id} {rule.Name} {rule.Kind} {rule.Window} {rule.Currency} {rule.HoldNs} " +
        $"{rule.Ceilings[0]} {rule.Ceilings[1]} {rule.Ceilings[2]} {rule.Ceilings[3]} " +
        $"{ConditionText.Of(rule.Condition)} needs {(rule.Needs is { } needs ? ConditionText.Of(needs) : "")}";

    [Test]
    public void The_bytes_are_as_pictured()
    {
        RuleTable table = new RuleTableBuilder()
            .Limit(258, "ab", LimitWindow.YearFrom(4, 6), 840, TierCeilings.Of(1, 2, 3, TierCeilings.None),
                When.Source(840).And(When.Amount(RuleOperator.AtLeast, 978, 5).Not()))
            .Require(3, "c", When.Tier(RuleOperator.AtLeast, 2), When.Destination(276, 4).Or(When.Always))
            .Build();

        Assert.That(Convert.ToHexStringLower(table.Encode()), Is.EqualTo(string.Concat(
            "53545254", "0100", "0200",
            "0300", "02", "01", "63", "02050" + "60200", "07" + "0200", "03" + "02" + "0200" + "0400" + "1401", "01",
            "0201", "03", "02", "6162", "03" + "04" + "06", "4803",
            "0100000000000000", "0200000000000000", "0300000000000000", "ffffffffffffffff",
            "06" + "0200", "02" + "01" + "01" + "4803", "05", "04" + "06" + "d203" + "0500000000000000")));
    }

    [Test]
    public void The_bytes_of_reviews_are_as_pictured()
    {
        RuleTable table = new RuleTableBuilder()
            .ReviewLimit(5, "b", 0x0102, LimitWindow.Month, 840, TierCeilings.Of(1, 2, 3, TierCeilings.None), When.Always)
            .Review(4, "a", 3 * Limits.NsPerDay, new FieldCondition(RuleField.PayeeKind, RuleOperator.Equal, (ushort)PartyKind.Person))
            .Build();

        Assert.That(Convert.ToHexStringLower(table.Encode()), Is.EqualTo(string.Concat(
            "53545254", "0100", "0200",
            "0400", "04", "01", "61", "0000edb3bdeb0000", "02" + "0a" + "01" + "0100",
            "0500", "05", "01", "62", "0201000000000000", "02", "00", "00", "4803",
            "0100000000000000", "0200000000000000", "0300000000000000", "ffffffffffffffff", "01")));
    }

    [Test]
    public void Damaged_bytes_end_in_an_error_or_in_another_canonical_table_and_never_throw()
    {
        Random random = PrintedSeed.Create();
        RandomRules generator = new(random);
        HashSet<string> errors = [];
        int accepted = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = generator.Table(rulesMax: 4).Encode().ToArray();
            Damage(random, ref bytes);
            bool read = RuleTable.TryDecode(bytes, out RuleTable? table, out string error);
            Assert.That(read, Is.EqualTo(table is not null).And.EqualTo(error.Length == 0));
            if (read)
            {
                accepted++;
                Assert.That(table!.Encode().ToArray(), Is.EqualTo(bytes));
                // A plan may be refused, but not fail.
                RulePlan.TryBuild(table, RandomRules.OwnerOf, out _, out _);
            }
            else
            {
                errors.Add(new string([.. error.Where(letter => !char.IsDigit(letter))]));
            }
        }
        Assert.That(accepted, Is.Positive, "some damage is another table");
        Assert.That(errors, Has.Count.GreaterThan(30), "the damage reaches many checks");
    }

    private static void Damage(Random random, ref byte[] bytes)
    {
        switch (random.Next(4))
        {
            case 0:
                bytes = bytes[..random.Next(bytes.Length)];
                break;
            case 1:
                bytes = [.. bytes, (byte)random.Next(256)];
                break;
            case 2:
                int cut = random.Next(bytes.Length);
                bytes = [.. bytes[..cut], .. bytes[Math.Min(bytes.Length, cut + random.Next(1, 9))..]];
                break;
            default:
                for (int i = random.Next(1, 4); i > 0; i--)
                    bytes[random.Next(bytes.Length)] = (byte)(random.Next(2) == 0 ? random.Next(10) : random.Next(256));
                break;
        }
    }

    [Test]
    public void Counts_are_not_believed_beyond_the_bytes_that_are_there()
    {
        byte[] head = [0x53, 0x54, 0x52, 0x54, 1, 0, 1, 0, 1, 0, 1, 1, (byte)'a'];
        byte[] list = [.. head, 3, 1, 0xFF, 0xFF];
        byte[] all = [.. head, 6, 0xFF, 0xFF];
        byte[] deep = [.. head, .. Enumerable.Repeat((byte)5, 500_000), 1];

        Assert.Multiple(() =>
        {
            Assert.That(RuleTable.TryDecode(list, out _, out string error), Is.False);
            Assert.That(error, Is.EqualTo("byte 17: 65535 values: at most 1 possible here"));
            Assert.That(RuleTable.TryDecode(all, out _, out error), Is.False);
            Assert.That(error, Does.Contain("65535 conditions"));
            Assert.That(RuleTable.TryDecode(deep, out _, out error), Is.False);
            Assert.That(error, Does.Contain("more than 32 deep"));
            Assert.That(RuleTable.TryDecode(new byte[1_000_000], out _, out error), Is.False);
            Assert.That(error, Does.Contain("fewer than 1000000"));
        });
    }

    [Test]
    public void Every_fault_of_a_table_has_its_sentence()
    {
        static string Error(RuleTableBuilder builder) => builder.TryBuild(out _, out string error) ? "none" : error;
        Condition deep = When.Always;
        for (int i = 0; i < 32; i++)
            deep = deep.Not();
        RuleTableBuilder many = new();
        for (int id = 1; id <= 10_001; id++)
            many.Deny((ushort)id, "a", When.Always);
        RuleTableBuilder long1 = new();
        Condition list = new ListCondition(RuleField.Source, [.. Enumerable.Range(1, 999).Select(number => (ushort)number)]);
        for (int id = 1; id <= 510; id++)
            long1.Deny((ushort)id, "a", list);

        Assert.Multiple(() =>
        {
            Assert.That(Error(new RuleTableBuilder().Deny(0, "a", When.Always)), Does.Contain("numbers from 1"));
            Assert.That(Error(new RuleTableBuilder().Deny(2, "a", When.Always).Deny(2, "b", When.Always)),
                Does.Contain("without repeats"));
            Assert.That(Error(new RuleTableBuilder().Deny(1, "", When.Always)), Does.Contain("a name of 0 bytes"));
            Assert.That(Error(new RuleTableBuilder().Deny(1, new string('é', 51), When.Always)),
                Does.Contain("a name of 102 bytes"));
            Assert.That(Error(new RuleTableBuilder().Deny(1, "a\nb", When.Always)), Does.Contain("control character"));
            Assert.That(Error(new RuleTableBuilder().Deny(1, "a\uD800", When.Always)), Does.Contain("half a character"));
            Assert.That(Error(new RuleTableBuilder().Deny(1, "a", deep)), Does.Contain("33 deep"));
            Assert.That(Error(new RuleTableBuilder().Require(1, "a", deep, When.Always)), Does.Contain("a need 33 deep"));
            Assert.That(Error(new RuleTableBuilder().Limit(1, "a", default, 840, default, When.Always)),
                Does.Contain("window 0"));
            Assert.That(Error(new RuleTableBuilder().Limit(1, "a", LimitWindow.YearFrom(2, 29), 840, default, When.Always)),
                Does.Contain("29 February"));
            Assert.That(Error(new RuleTableBuilder()
                .Limit(1, "a", new LimitWindow(WindowKind.Day, 1, 1), 840, default, When.Always)), Does.Contain("only a year"));
            Assert.That(Error(new RuleTableBuilder().Limit(1, "a", LimitWindow.Day, 1000, default, When.Always)),
                Does.Contain("Currency 1000"));
            Assert.That(Error(new RuleTableBuilder().Review(1, "a", 0, When.Always)), Does.Contain("held for 0 ns"));
            Assert.That(Error(new RuleTableBuilder().Review(1, "a", RuleBounds.ReviewHoldNsMax + 1, When.Always)), Does.Contain("expected"));
            Assert.That(Error(new RuleTableBuilder().ReviewLimit(1, "a", 1, default, 840, default, When.Always)),
                Does.Contain("window 0"));
            Assert.That(Error(many), Does.Contain("10001 rules"));
            Assert.That(Error(long1), Does.Contain("fewer than 1000000"));
            Assert.That(() => When.Source(), Throws.ArgumentException.With.Message.Contains("empty list"));
            Assert.That(() => When.Source(5, 5), Throws.ArgumentException.With.Message.Contains("without repeats"));
            Assert.That(() => When.Tier(RuleOperator.Equal, 4),
                Throws.ArgumentException.With.Message.Contains("0 to 3 expected"));
            Assert.That(() => new FieldCondition(RuleField.Source, RuleOperator.Less, 4),
                Throws.ArgumentException.With.Message.Contains("no order"));
            Assert.That(() => new FieldCondition((RuleField)11, RuleOperator.Equal, 4),
                Throws.ArgumentException.With.Message.Contains("field 11"));
            Assert.That(() => When.Amount((RuleOperator)7, 840, 4), Throws.ArgumentException.With.Message.Contains("operator 7"));
        });
    }

    [Test]
    public void The_header_is_checked_first()
    {
        byte[] bytes = RuleTable.Empty.Encode().ToArray();
        byte[] version = [.. bytes];
        BinaryPrimitives.WriteUInt16LittleEndian(version.AsSpan(4), 2);
        byte[] magic = [.. bytes];
        magic[0]++;

        Assert.Multiple(() =>
        {
            Assert.That(bytes, Has.Length.EqualTo(8));
            Assert.That(RuleTable.TryDecode(version, out _, out string error), Is.False);
            Assert.That(error, Is.EqualTo("byte 6: version 2: 1 expected"));
            Assert.That(RuleTable.TryDecode(magic, out _, out error), Is.False);
            Assert.That(error, Does.Contain("magic"));
        });
    }
}
