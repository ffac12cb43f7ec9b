using Settlement.Engine.Labels;
using Settlement.Engine.Simd;

namespace Settlement.Tests.Labels;

/// <summary>The kernel equals the scalar rule at every width, on every boundary and on generated columns.</summary>
public sealed class LabelKernelTests
{
    private static readonly int[] s_widthsBits = [128, 256, 512];

    [TestCaseSource(nameof(s_widthsBits))]
    public void Every_combination_of_boundary_levels_is_judged_as_the_rule_says(int widthBits)
    {
        byte[] edges = [0, 1, 2, 127, 128, 129, 254, 255];
        LabelColumns columns = new(edges.Length * edges.Length * edges.Length * edges.Length * edges.Length * 2);
        int count = 0;
        foreach (byte session in edges)
            foreach (byte instruction in edges)
                foreach (byte payment in edges)
                    foreach (byte payer in edges)
                        foreach (byte payee in edges)
                            foreach (bool declassify in (bool[])[false, true])
                                Set(columns, count++, session, instruction, payment, payer, payee, declassify);
        AssertJudgedAsRuled(columns, widthBits, count);
    }

    [TestCaseSource(nameof(s_widthsBits))]
    public void Every_pair_of_a_source_and_a_bound_is_judged_as_the_rule_says(int widthBits)
    {
        LabelColumns columns = new(65_536);
        for (int role = 0; role < 6; role++)
        {
            for (int pair = 0; pair < 65_536; pair++)
            {
                (byte source, byte bound) = ((byte)pair, (byte)(pair >> 8));
                // Even roles: the payment is the source; odd: the payer. The bound is the session, the instruction or the payee.
                byte payment = role % 2 == 0 ? source : (byte)0, payer = role % 2 == 0 ? (byte)0 : source;
                byte session = role / 2 == 0 ? bound : (byte)255, instruction = role / 2 == 1 ? bound : (byte)255;
                Set(columns, pair, session, instruction, payment, payer, role / 2 == 2 ? bound : (byte)255, declassify: false);
            }
            AssertJudgedAsRuled(columns, widthBits, 65_536);
        }
    }

    [TestCaseSource(nameof(s_widthsBits))]
    public void Generated_columns_are_judged_as_the_rule_says(int widthBits)
    {
        Random random = PrintedSeed.Create();
        int allowedCount = 0, refusedCount = 0;
        for (int round = 0; round < 200; round++)
        {
            int count = random.Next(1, 2_000);
            // A narrow spread of levels makes equal ones frequent.
            int lowest = random.Next(256), span = random.Next(1, 257 - lowest);
            LabelColumns columns = new(count);
            byte Level() => (byte)(lowest + random.Next(span));
            for (int at = 0; at < columns.ColumnBytes; at++)
                Set(columns, at, Level(), Level(), Level(), Level(), Level(), random.Next(4) == 0);
            AssertJudgedAsRuled(columns, widthBits, count);
            allowedCount += columns.Allowed[..count].Count(LabelColumns.Yes);
            refusedCount += columns.Allowed[..count].Count(LabelColumns.No);
        }
        Assert.That(Math.Min(allowedCount, refusedCount), Is.GreaterThan(10_000), "the generator reaches both answers");
    }

    [TestCase(5, 5, 5, 5, 5, false, ExpectedResult = true, TestName = "Equal levels pass")]
    [TestCase(4, 255, 5, 0, 255, true, ExpectedResult = false, TestName = "No session reads up, not even to declassify")]
    [TestCase(255, 4, 0, 5, 255, false, ExpectedResult = false, TestName = "No instruction reads up for a trusted session")]
    [TestCase(255, 255, 5, 0, 4, false, ExpectedResult = false, TestName = "A payment's data do not flow down")]
    [TestCase(255, 255, 0, 5, 4, false, ExpectedResult = false, TestName = "A payer's data do not flow down")]
    [TestCase(255, 255, 0, 5, 4, true, ExpectedResult = true, TestName = "A session trusted to declassify sends down")]
    [TestCase(0, 0, 0, 0, 255, false, ExpectedResult = true, TestName = "Data flow up")]
    public bool The_rule_holds_the_laws_of_the_lattice(
        int session, int instruction, int payment, int payer, int payee, bool declassify) =>
        LabelRule.Allows((byte)session, (byte)instruction, (byte)payment, (byte)payer, (byte)payee, declassify);

    [Test]
    public void Columns_of_uneven_length_or_with_a_tail_throw()
    {
        byte[] line = new byte[64], two = new byte[128], tail = new byte[63];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => LabelKernel.Judge(line, line, line, two, line, line, new byte[64]), Throws.ArgumentException);
            Assert.That(() => LabelKernel.Judge(tail, tail, tail, tail, tail, tail, new byte[63]), Throws.ArgumentException);
            Assert.That(() => LabelKernel.Judge([], [], [], [], [], [], []), Throws.Nothing);
        }
    }

    [Test]
    public void Columns_begin_on_cache_lines_and_do_not_overlap()
    {
        LabelColumns columns = new(65);
        columns.Session.Fill(1);
        columns.Instruction.Fill(2);
        columns.Payment.Fill(3);
        columns.Payer.Fill(4);
        columns.Payee.Fill(5);
        columns.Declassify.Fill(6);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(columns.ColumnBytes, Is.EqualTo(128));
            Assert.That(columns.Session.ToArray(), Is.All.EqualTo(1));
            Assert.That(columns.Instruction.ToArray(), Is.All.EqualTo(2));
            Assert.That(columns.Payment.ToArray(), Is.All.EqualTo(3));
            Assert.That(columns.Payer.ToArray(), Is.All.EqualTo(4));
            Assert.That(columns.Payee.ToArray(), Is.All.EqualTo(5));
            Assert.That(columns.Declassify.ToArray(), Is.All.EqualTo(6));
            Assert.That(columns.Allowed.ToArray(), Is.All.EqualTo(LabelColumns.No));
            Assert.That((int)(AddressOf(columns.Session) % 64), Is.Zero);
        }
    }

    private static unsafe nuint AddressOf(Span<byte> column)
    {
        fixed (byte* first = column) return (nuint)first;
    }

    private static void Set(
        LabelColumns columns, int at, byte session, byte instruction, byte payment, byte payer, byte payee, bool declassify)
    {
        columns.Session[at] = session;
        columns.Instruction[at] = instruction;
        columns.Payment[at] = payment;
        columns.Payer[at] = payer;
        columns.Payee[at] = payee;
        columns.Declassify[at] = declassify ? LabelColumns.Yes : LabelColumns.No;
    }

    /// <summary>Judges at one width and, through the columns, at the hardware's own; both must be what the rule says.</summary>
    private static void AssertJudgedAsRuled(LabelColumns columns, int widthBits, int count)
    {
        byte[] allowed = new byte[columns.ColumnBytes];
        LabelKernel.Judge(
            widthBits, columns.Session, columns.Instruction, columns.Payment, columns.Payer, columns.Payee, columns.Declassify, allowed);
        columns.Judge(count);
        for (int at = 0; at < count; at++)
        {
            bool ruled = LabelRule.Allows(
                columns.Session[at], columns.Instruction[at], columns.Payment[at], columns.Payer[at], columns.Payee[at],
                columns.Declassify[at] == LabelColumns.Yes);
            byte expected = ruled ? LabelColumns.Yes : LabelColumns.No;
            if (allowed[at] != expected || columns.Allowed[at] != expected)
                Assert.Fail($"payment {at} at {widthBits} bits: ruled {ruled}, judged {allowed[at]:X2}, by columns {columns.Allowed[at]:X2}");
        }
    }
}
