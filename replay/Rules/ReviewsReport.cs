using System.Globalization;
using System.Text.Json;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>Payments that wait for a reviewer, in the order in which they came.</summary>
/// <remarks>
/// The ledger keeps the number of the rule that held a payment, as of then; which statement that was, the table of then says: the payments are passed once more.
/// </remarks>
internal sealed class ReviewsReport
{
    private sealed record Review(TargetRecord Record, string Participant, ulong Payer, ulong Payee, string Amount, string Currency, string? Law)
    {
        public string? Statement { get; set; }

        public ulong TimeNs { get; set; }

        public string Id => PaymentIdText.Format(Record.IdHigh, Record.IdLow, (Record.Flags & PaymentFlags.StreamId) != 0);
    }

    private readonly string _journal;
    private readonly string _where;
    private readonly Action<Utf8JsonWriter> _writeWhere;
    private readonly List<Review> _reviews = [];

    private ReviewsReport(LawsAt laws)
    {
        (string at, string sequence, string time) = (laws.Point.ToString(), JsonText.Exact(laws.State.Sequence), TimeText.Format(laws.State.TimeNs));
        (_journal, _where) = (laws.Journal, laws.Where);
        _writeWhere = writer =>
        {
            writer.WriteString("at", at);
            writer.WriteString("sequence", sequence);
            writer.WriteString("time", time);
        };
        LedgerState state = laws.State;
        for (int record = 1; record <= state.Targets.RecordsUsed; record++)
        {
            ref readonly TargetRecord held = ref state.Targets[record];
            if (held.Kind != TargetKind.Review)
                continue;
            _reviews.Add(new Review(
                held, LedgerText.ParticipantOf(state, held.Participant), state.Accounts[held.PayerRow].Wallet, state.Accounts[held.PayeeRow].Wallet,
                LedgerText.Amount(state, held.Remaining, held.Currency), LedgerText.CurrencyOf(held.Currency), laws.Book.FindLaw(held.Law)?.Name));
        }

        _reviews.Sort(static (left, right) => left.Record.Sequence.CompareTo(right.Record.Sequence));
    }

    public static ReviewsReport Read(string journal, string? at, TextWriter error, bool json)
    {
        ReviewsReport report;
        using (LawsAt laws = LawsAt.Open(journal, at, error, json))
            report = new ReviewsReport(laws);
        if (report._reviews.Count == 0)
            return report;
        try
        {
            report.NameStatements(error, json);
        }
        catch (JournalException) when (Journals.IsCut(journal))
        {
            // The payments stand in a part that was cut off, and no snapshot from before them is left: the rules' numbers are all that there is.
        }

        return report;
    }

    public void PrintLines(TextWriter output)
    {
        output.WriteLine($"{_journal} {_where}: {GovernanceWords.Count(_reviews.Count, "payment")} under review");
        var table = new TextTable("payment", "held under", "<payer", "<payee", "<amount", "currency", "instruction", "statement", "law", "<sequence", "since", "goes back");
        foreach (Review review in _reviews)
            table.Add(review.Id, review.Participant, JsonText.Exact(review.Payer), JsonText.Exact(review.Payee), review.Amount, review.Currency, SnakeCase.Of(review.Record.Instruction),
                StatementOf(review), review.Law ?? "", JsonText.Exact(review.Record.Sequence), review.TimeNs == 0 ? "" : TimeText.Format(review.TimeNs), TimeText.Format(review.Record.ExpiryNs));
        if (!table.IsEmpty)
            table.Print(output);
    }

    public void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteString("journal", _journal);
        _writeWhere(writer);
        writer.WriteStartArray("reviews");
        foreach (Review review in _reviews)
        {
            writer.WriteStartObject();
            writer.WriteString("payment", review.Id);
            writer.WriteString("participant", review.Participant);
            writer.WriteString("payer", JsonText.Exact(review.Payer));
            writer.WriteString("payee", JsonText.Exact(review.Payee));
            writer.WriteString("amount", review.Amount);
            writer.WriteString("currency", review.Currency);
            writer.WriteString("instruction", SnakeCase.Of(review.Record.Instruction));
            writer.WriteNumber("rule", review.Record.Rule);
            writer.WriteString("statement", review.Statement);
            writer.WriteString("law", review.Law);
            writer.WriteString("since_sequence", JsonText.Exact(review.Record.Sequence));
            writer.WriteString("since", review.TimeNs == 0 ? null : TimeText.Format(review.TimeNs));
            writer.WriteString("expires", TimeText.Format(review.Record.ExpiryNs));
            writer.WriteEndObject();
            json.DrainIfLong();
        }

        writer.WriteEndArray();
        json.End();
    }

    private static string StatementOf(Review review) => review.Statement ?? string.Create(CultureInfo.InvariantCulture, $"rule {review.Record.Rule} of then");

    private void NameStatements(TextWriter error, bool json)
    {
        ulong first = _reviews[0].Record.Sequence, last = _reviews[^1].Record.Sequence;
        using JournalWalk walk = JournalWalk.Open(_journal, new WalkOptions { From = first, Until = JournalPoint.AtSequence(last), Progress = WalkProgress.Over(_journal, error, json) });
        walk.Replay.Watch = new Watch(walk.Replay, _reviews);
        walk.ToPoint();
    }

    /// <summary>Stops behind each payment that is listed, where the table that held it is still in force.</summary>
    private sealed class Watch(BlockReplay replay, List<Review> reviews) : IBlockWatch
    {
        private int _next;

        public void OnBegun(in BlockHeader header)
        {
            while (_next < reviews.Count && reviews[_next].Record.Sequence < header.FirstSequence)
                _next++;
        }

        public int CountTogether(ReadOnlySpan<Payment> rest, ulong firstSequence)
        {
            if (_next == reviews.Count)
                return rest.Length;
            ulong before = reviews[_next].Record.Sequence - firstSequence;
            return before == 0 ? 1 : (int)Math.Min(before, (ulong)rest.Length);
        }

        public void OnApplied(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
        {
            if (_next == reviews.Count || firstSequence != reviews[_next].Record.Sequence)
                return;
            Review review = reviews[_next++];
            review.TimeNs = replay.State.TimeNs;
            if (replay.State.Rules is not { } rules)
                return;
            foreach (Rule rule in rules.Table.Rules)
            {
                if (rule.Id == review.Record.Rule)
                    review.Statement = rule.Name;
            }
        }
    }
}
