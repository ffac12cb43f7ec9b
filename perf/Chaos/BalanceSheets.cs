using Settlement.Engine.Domain;

namespace Settlement.Perf.Chaos;

/// <summary>Whether money was made or lost: what all wallets hold as of one moment, as one client was told, is what was issued. Nothing but what clients saw is in it, no journal and no model.</summary>
/// <remarks>
/// Wallets are those that a first balance was issued to. Failure assumed: a run in which nobody ever read all of them at one moment. That is a fault, too, for then nothing is checked.
/// </remarks>
internal static class BalanceSheets
{
    /// <param name="issues">That were acknowledged.</param>
    /// <param name="reads">By anybody, in any order.</param>
    /// <param name="count">Moments as of which all balances were read.</param>
    /// <returns>What is wrong.</returns>
    public static IReadOnlyList<string> Check(IReadOnlyList<Payment> issues, IEnumerable<ReadSeen> reads, out long count)
    {
        HashSet<ulong> wallets = [.. issues.Select(issue => issue.Payee)];
        var faults = new List<string>();
        count = 0;
        foreach (IGrouping<(string Client, ulong Sequence), ReadSeen> moment in reads.GroupBy(read => (read.Client, read.Sequence)))
        {
            AccountSeen[] accounts = [.. moment.SelectMany(read => read.Accounts).DistinctBy(account => (account.Wallet, account.Currency))];
            if (wallets.Count == 0 || !wallets.IsSubsetOf(accounts.Select(account => account.Wallet)))
                continue;
            count++;
            foreach (IGrouping<ushort, Payment> issued in issues.GroupBy(issue => issue.Currency))
            {
                UInt128 sumIssued = Sum(issued.Select(issue => issue.Amount));
                UInt128 sumHeld = Sum(accounts.Where(account => account.Currency == issued.Key).Select(account => account.Total));
                if (sumHeld != sumIssued)
                    faults.Add($"{moment.Key.Client} read as of sequence {moment.Key.Sequence} that all wallets hold {sumHeld} of currency {issued.Key}, and {sumIssued} was issued");
            }
        }

        if (count == 0)
            faults.Add("nobody read all balances as of one moment: whether money was made or lost is not checked");
        return faults;
    }

    private static UInt128 Sum(IEnumerable<ulong> amounts) => amounts.Aggregate(UInt128.Zero, (sum, amount) => sum + amount);
}
