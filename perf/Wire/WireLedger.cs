using System.Runtime.InteropServices;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;
using Settlement.Perf.Load;

namespace Settlement.Perf.Wire;

/// <summary>
/// The <see cref="LoadLedger"/> set up in a server over its binary port, payments for it, and what every account must hold in the end. All
/// sessions are the operator's, so payments between all participants may be offered on any connection.
/// </summary>
internal sealed class WireLedger(int wallets)
{
    private const int CommandsAtOnce = 65_536;

    private readonly LoadLedger _ledger = new(wallets, Seed: 1);
    private readonly Dictionary<(ulong Wallet, ushort Currency), long> _expected = [];

    public int Wallets => wallets;

    /// <summary>Rules, participants, currencies, wallets, and opening balances.</summary>
    public async Task SetUpAsync(SettlementClient client)
    {
        Payment[] rules = LoadLedger.Rules();
        ControlCommand activate = MemoryMarshal.Cast<Payment, ControlCommand>(rules)[0];
        byte[] table = MemoryMarshal.AsBytes(rules.AsSpan(1))[..(int)activate.ContinuationBytes].ToArray();
        Require([await client.SendAsync(Anonymous(activate), table).ConfigureAwait(false)]);
        foreach (ControlCommand[] commands in _ledger.Commands().Select(Anonymous).Chunk(CommandsAtOnce))
            Require(await client.SendAsync(commands).ConfigureAwait(false));
        foreach (Payment[] openings in Openings().Chunk(CommandsAtOnce))
        {
            Require(await client.SubmitAsync(openings).ConfigureAwait(false));
            foreach (Payment opening in openings)
                _expected[(opening.Payee, opening.Currency)] = (long)opening.Amount;
        }
    }

    /// <summary>Every account's first balance.</summary>
    public IEnumerable<Payment> Openings() => _ledger.Openings().Select(Anonymous);

    /// <summary>Payments that all pass, without ids.</summary>
    public Payment[] NewPayments(int count)
    {
        var payments = new Payment[count];
        _ledger.Fill(payments);
        foreach (ref Payment payment in payments.AsSpan())
            payment.Session = 0;
        return payments;
    }

    /// <summary>Notes that payments were accepted so many times.</summary>
    public void Expect(ReadOnlySpan<Payment> payments, long times = 1)
    {
        foreach (ref readonly Payment payment in payments)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_expected, (payment.Payer, payment.Currency), out _) -= (long)payment.Amount * times;
            CollectionsMarshal.GetValueRefOrAddDefault(_expected, (payment.Payee, payment.Currency), out _) += (long)payment.Amount * times;
        }
    }

    /// <summary>Asks for every account and compares.</summary>
    /// <exception cref="CheckFailedException">One holds something else.</exception>
    public async Task VerifyAsync(SettlementClient client)
    {
        (ulong Wallet, ushort Currency)[] accounts = [.. _expected.Keys];
        AccountBalance[] balances = await client.BalancesAsync(accounts).ConfigureAwait(false);
        int wrong = 0;
        string first = "";
        for (int i = 0; i < accounts.Length; i++)
        {
            AccountBalance told = balances[i];
            long holds = (long)(told.Available + told.Pending + told.Held);
            if (told.IsKnown && (told.Wallet, told.Currency) == accounts[i] && holds == _expected[accounts[i]])
                continue;
            if (wrong++ == 0)
                first = $"wallet {accounts[i].Wallet} holds {holds} of currency {accounts[i].Currency} instead of {_expected[accounts[i]]}";
        }

        if (wrong > 0)
            throw new CheckFailedException($"{wrong} of {accounts.Length} accounts hold something else than the accepted payments leave them: {first}");
    }

    private static ControlCommand Anonymous(ControlCommand command) => command with { Session = 0 };

    private static Payment Anonymous(Payment payment) => payment with { Session = 0 };

    private static void Require(PaymentVerdict[] verdicts)
    {
        foreach (PaymentVerdict verdict in verdicts)
        {
            if (verdict.Verdict is not (Verdict.Accepted or Verdict.Duplicate))
                throw new CheckFailedException($"the ledger could not be set up: {verdict.Verdict}");
        }
    }
}
