using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;

namespace Settlement.Gateway.Http;

/// <summary>The ledger itself, wallets and balances: read between two blocks, so every answer is of one sequence.</summary>
internal sealed class LedgerEndpoints(HttpApiContext context)
{
    private const int PageDefault = 100;
    private const int PageMax = 1_000;

    /// <summary>Rows looked at between two blocks for a page of a list.</summary>
    private const int RowsAtOnce = 512;

    public void Map(RouteGroupBuilder strangers, RouteGroupBuilder sessions)
    {
        strangers.Get("/ledger", LedgerAsync).Reads<LedgerAnswer>("Ledger", "The ledger: id, currencies and scales, open batch; and the session that asks, where a key is shown.");
        sessions.Get("/wallets", WalletsAsync).Reads<WalletList>("Wallets", "The wallets that the session may see, in pages.");
        sessions.Get("/wallets/{wallet}", WalletAsync).Reads<WalletAnswer>("Wallets", "One wallet.").MayMiss();
        sessions.Get("/wallets/{wallet}/balances", BalancesAsync).Reads<BalancesAnswer>("Wallets", "What a wallet holds, as of a sequence.").MayMiss();
    }

    /// <summary>The same whether there is none, it is another participant's, or its level is above the clearance.</summary>
    public static ProblemException NoWallet(string wallet) => Problem.NotFound(
        $"There is no wallet {wallet} that this session may see. Check the number; a wallet of another participant, or above the session's clearance, is not shown either.");

    private async Task<IResult> LedgerAsync(HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        LedgerAnswer answer = await context.Port.AskAsync(state => new LedgerAnswer
        {
            Ledger = FormattableString.Invariant($"{context.Port.LedgerId:x32}"),
            AsOfSequence = Exact.Of(state.Sequence),
            AsOfTime = TimeText.Format(state.TimeNs),
            OpenBatch = Exact.Of(state.Batch.Number),
            Currencies = [.. Enumerable.Range(1, state.Currencies.Count).Select(index => new CurrencyAnswer
            {
                Currency = Iso4217.LettersOf(state.Currencies[index].Number), Scale = state.Currencies[index].Scale,
            })],
            Session = caller.IsStranger ? null : new SessionAnswer
            {
                Session = caller.Session, Participant = state.Participants.NameOf(caller.Participant), Clearance = caller.Clearance, Operator = caller.IsOperator,
            },
        });
        return Answer.Of(answer, HttpJson.Default.LedgerAnswer);
    }

    private async Task<IResult> WalletAsync(string wallet, HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        ulong number = LedgerWords.Wallet("wallet", wallet);
        WalletAnswer? answer = await context.Port.AskAsync(state =>
            Row(state, caller, number) is var row and not 0 ? Describe(state, row) with { AsOfSequence = Exact.Of(state.Sequence) } : null);
        return Answer.Of(answer ?? throw NoWallet(wallet), HttpJson.Default.WalletAnswer);
    }

    private async Task<IResult> BalancesAsync(string wallet, HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        ulong number = LedgerWords.Wallet("wallet", wallet);
        BalancesAnswer? answer = await context.Port.AskAsync(state => Row(state, caller, number) is var row and not 0 ? Balances(state, row) : null);
        return Answer.Of(answer ?? throw NoWallet(wallet), HttpJson.Default.BalancesAnswer);
    }

    /// <summary>In the order in which they were opened, behind the wallet named: no number of a row that others could count by leaves.</summary>
    private async Task<IResult> WalletsAsync(HttpContext http, string? after, string? limit)
    {
        Caller caller = CallerGate.CallerOf(http);
        int most = LedgerWords.Count("limit", limit, PageDefault, PageMax);
        int row = 0;
        if (after is not null)
        {
            ulong behind = LedgerWords.Wallet("after", after);
            row = await context.Port.AskAsync(state => Row(state, caller, behind));
            if (row == 0)
                throw NoWallet(after);
        }

        var page = new List<WalletAnswer>();
        bool isLast = false;
        ulong sequence = 0;
        while (page.Count <= most && !isLast)
        {
            int from = row + 1;
            int room = most + 1 - page.Count;
            (row, isLast, sequence) = await context.Port.AskAsync(state => Collect(state, caller, from, room, page));
        }

        bool more = page.Count > most;
        if (more)
            page.RemoveAt(most);
        return Answer.Of(new WalletList { Wallets = page, Next = more ? page[^1].Wallet : null, AsOfSequence = Exact.Of(sequence) }, HttpJson.Default.WalletList);
    }

    private static (int Row, bool IsLast, ulong Sequence) Collect(LedgerState state, Caller caller, int from, int room, List<WalletAnswer> page)
    {
        int row = from;
        int end = Math.Min(state.Accounts.Count, from + RowsAtOnce - 1);
        for (; row <= end && room > 0; row++)
        {
            ref readonly AccountRow account = ref state.Accounts[row];
            if (!caller.Sees(in account) || state.Accounts.Find(account.Wallet) != row)
                continue;
            page.Add(Describe(state, row));
            room--;
        }

        return (row - 1, row > state.Accounts.Count, state.Sequence);
    }

    /// <summary>The wallet's first row; 0: there is none for this session.</summary>
    private static int Row(LedgerState state, Caller caller, ulong wallet) =>
        state.Accounts.Find(wallet) is var row and not 0 && caller.Sees(in state.Accounts[row]) ? row : 0;

    private static WalletAnswer Describe(LedgerState state, int row)
    {
        AccountRow account = state.Accounts[row];
        var currencies = new List<string>();
        for (int next = row; next != 0; next = state.Accounts[next].Next)
        {
            if (state.Accounts[next].CurrencyIndex is var index and not 0)
                currencies.Add(Iso4217.LettersOf(state.Currencies[index].Number));
        }

        return new WalletAnswer
        {
            Wallet = Exact.Of(account.Wallet),
            Participant = state.Participants.NameOf(account.Participant),
            Country = Iso3166.LettersOf(account.Country),
            Tier = account.Tier,
            Kind = SnakeCase.Of(account.Kind),
            Level = account.Level,
            Status = SnakeCase.Of(account.Status),
            Holder = Exact.Of(account.Holder),
            Currencies = currencies,
        };
    }

    private static BalancesAnswer Balances(LedgerState state, int row)
    {
        var balances = new List<BalanceAnswer>();
        ulong wallet = state.Accounts[row].Wallet;
        for (int next = row; next != 0; next = state.Accounts[next].Next)
        {
            ref readonly AccountRow account = ref state.Accounts[next];
            if (account.CurrencyIndex == 0)
                continue;
            ref readonly CurrencyRecord currency = ref state.Currencies[account.CurrencyIndex];
            bool pends = account.Batch == state.Batch.Mark;
            balances.Add(new BalanceAnswer
            {
                Currency = Iso4217.LettersOf(currency.Number),
                Available = AmountText.ToText(account.Available + (pends ? 0 : account.Pending), currency.Scale),
                Pending = AmountText.ToText(pends ? account.Pending : 0, currency.Scale),
                Held = AmountText.ToText(account.Held, currency.Scale),
            });
        }

        return new BalancesAnswer { Wallet = Exact.Of(wallet), Balances = balances, AsOfSequence = Exact.Of(state.Sequence), AsOfTime = TimeText.Format(state.TimeNs) };
    }
}
