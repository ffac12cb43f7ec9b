using System.Diagnostics;
using System.Globalization;
using Settlement.Client;
using Settlement.Engine.Domain;

namespace Settlement.Perf.Chaos;

/// <summary>One account as a client was told of it.</summary>
internal readonly record struct AccountSeen(ulong Wallet, ushort Currency, ulong Total, ulong Held);

/// <summary>A line of a history.</summary>
internal abstract record HistoryEvent(string Client);

/// <summary>A payment is about to be sent, for the first time or again.</summary>
internal sealed record Invoked(string Client, PaymentKey Key, Payment Payment) : HistoryEvent(Client);

/// <summary>A verdict that a client was given.</summary>
/// <param name="First">Of a duplicate: what was decided the first time.</param>
/// <param name="Sequence">0: it was found out afterwards, or is not told.</param>
internal sealed record Answered(string Client, PaymentKey Key, Verdict Verdict, Verdict First, ulong Sequence) : HistoryEvent(Client)
{
    public Verdict Standing => Verdict == Verdict.Duplicate ? First : Verdict;
}

/// <summary>No answer came: it may be settled, or not.</summary>
internal sealed record Unknown(string Client, PaymentKey Key) : HistoryEvent(Client);

/// <summary>Balances of one moment, told by one node.</summary>
/// <param name="AtLeast">The sequence that the client had seen before, and said so.</param>
/// <param name="Sequence">As of which they are.</param>
internal sealed record ReadSeen(string Client, string Node, ulong AtLeast, ulong Sequence, IReadOnlyList<AccountSeen> Accounts) : HistoryEvent(Client);

/// <summary>A batch as a node told of it while it ran.</summary>
internal sealed record BatchSeen(string Client, string Node, ulong Batch, string Root, string StateHash) : HistoryEvent(Client);

/// <summary>
/// What clients did and saw, a line an event, in the order in which they knew it: a file that is only added to. The checker knows nothing else of a run.
/// </summary>
/// <remarks>
/// <code>
///   i MICROSECONDS CLIENT KEY INSTRUCTION PAYER PAYEE AMOUNT CURRENCY REFERENCE     about to be sent
///   a MICROSECONDS CLIENT KEY VERDICT FIRST SEQUENCE                                answered
///   u MICROSECONDS CLIENT KEY                                                       sent, and nothing came back
///   r MICROSECONDS CLIENT NODE AT-LEAST SEQUENCE WALLET:CURRENCY:TOTAL:HELD …       read
///   b MICROSECONDS CLIENT NODE BATCH ROOT STATE-HASH                                read
///   # anything: what was done to the nodes, for whoever reads the evidence
/// </code>
/// Invariant: an invocation is written before the payment is sent, so nothing can be in a journal that is not here. Any thread may write. What comes after its end is dropped: clients that
/// hang in a cluster that is stuck do not outlive a run's verdict.
/// </remarks>
internal sealed class HistoryWriter : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _file;
    private readonly long _begun = Stopwatch.GetTimestamp();
    private bool _isClosed; // under the lock

    public HistoryWriter(string path) => _file = new StreamWriter(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16));

    /// <summary>Verdicts that were told.</summary>
    public long AnswerCount { get; private set; }

    public long UnknownCount { get; private set; }

    public long ReadCount { get; private set; }

    public void Invoked(string client, ushort participant, ReadOnlySpan<Payment> payments)
    {
        lock (_gate)
        {
            foreach (ref readonly Payment payment in payments)
                Line($"i {Now} {client} {PaymentKey.Of(participant, in payment)} {payment.Instruction} {payment.Payer} {payment.Payee} {payment.Amount} {payment.Currency} {payment.Reference}");
        }
    }

    public void Answered(string client, ushort participant, ReadOnlySpan<Payment> payments, ReadOnlySpan<PaymentVerdict> verdicts)
    {
        lock (_gate)
        {
            for (int i = 0; i < Math.Min(payments.Length, verdicts.Length); i++)
            {
                if (verdicts[i].Verdict == Verdict.Undecided)
                    continue;
                Line($"a {Now} {client} {PaymentKey.Of(participant, in payments[i])} {verdicts[i].Verdict} {verdicts[i].First} {verdicts[i].Sequence}");
                AnswerCount++;
            }
        }
    }

    public void Unknown(string client, ushort participant, IEnumerable<PaymentId> ids)
    {
        lock (_gate)
        {
            foreach (PaymentId id in ids)
            {
                Line($"u {Now} {client} {new PaymentKey(participant, id.IsStream, id.Value)}");
                UnknownCount++;
            }
        }
    }

    public void Read(string client, string node, ulong atLeast, ulong sequence, IReadOnlyList<AccountSeen> accounts)
    {
        string told = string.Join(' ', accounts.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Wallet}:{one.Currency}:{one.Total}:{one.Held}")));
        lock (_gate)
        {
            Line($"r {Now} {client} {node} {atLeast} {sequence} {told}");
            ReadCount++;
        }
    }

    public void Batch(string client, string node, ulong batch, string root, string stateHash)
    {
        lock (_gate)
            Line($"b {Now} {client} {node} {batch} {root} {stateHash}");
    }

    /// <summary>What was done to the nodes.</summary>
    public void Note(string what)
    {
        lock (_gate)
        {
            Line($"# {Now} {what.ReplaceLineEndings(" | ")}");
            FlushLocked();
        }
    }

    public void Flush()
    {
        lock (_gate)
            FlushLocked();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _file.Dispose();
        }
    }

    private long Now => (long)Stopwatch.GetElapsedTime(_begun).TotalMicroseconds;

    private void Line(FormattableString line)
    {
        if (!_isClosed)
            _file.WriteLine(FormattableString.Invariant(line));
    }

    private void FlushLocked()
    {
        if (!_isClosed)
            _file.Flush();
    }
}

/// <summary>Reads what <see cref="HistoryWriter"/> wrote.</summary>
internal static class ClientHistory
{
    /// <exception cref="FormatException">A line does not read.</exception>
    public static IEnumerable<HistoryEvent> Read(string path)
    {
        long number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
                continue;
            yield return Parse(line) ?? throw new FormatException($"{path}, line {number}: '{line}' is no event of a history");
        }
    }

    private static HistoryEvent? Parse(string line)
    {
        string[] words = line.Split(' ');
        return words[0] switch
        {
            "i" when words.Length == 10 => Invocation(words),
            "a" when words.Length == 7 => new Answered(words[2], PaymentKey.Parse(words[3]), Enum.Parse<Verdict>(words[4]), Enum.Parse<Verdict>(words[5]), Number(words[6])),
            "u" when words.Length == 4 => new Unknown(words[2], PaymentKey.Parse(words[3])),
            "r" when words.Length >= 6 => new ReadSeen(words[2], words[3], Number(words[4]), Number(words[5]), [.. words.Skip(6).Where(word => word.Length > 0).Select(Account)]),
            "b" when words.Length == 7 => new BatchSeen(words[2], words[3], Number(words[4]), words[5], words[6]),
            _ => null,
        };
    }

    private static Invoked Invocation(string[] words)
    {
        var key = PaymentKey.Parse(words[3]);
        var payment = new Payment
        {
            IdHigh = (ulong)(key.Id >> 64), IdLow = (ulong)key.Id, Flags = key.IsStream ? PaymentFlags.StreamId : PaymentFlags.None, Instruction = Enum.Parse<Instruction>(words[4]),
            Payer = Number(words[5]), Payee = Number(words[6]), Amount = Number(words[7]), Currency = (ushort)Number(words[8]), Reference = Number(words[9]),
        };
        return new Invoked(words[2], key, payment);
    }

    private static AccountSeen Account(string word)
    {
        string[] parts = word.Split(':');
        return new AccountSeen(Number(parts[0]), (ushort)Number(parts[1]), Number(parts[2]), Number(parts[3]));
    }

    private static ulong Number(string word) => ulong.Parse(word, NumberStyles.None, CultureInfo.InvariantCulture);
}
