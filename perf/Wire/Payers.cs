using System.Security.Cryptography;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>Wallets with a key each whose owners consent themselves: to each payment, or to a chain of them. They are set up over the wire, by commands that their keys signed.</summary>
internal sealed class Payers : IDisposable
{
    private const int CommandsAtOnce = 2_048;
    private const ushort KeyNumber = 1;

    private readonly ECDsa[] _pairs;
    private readonly KeySigner[] _signers;

    /// <param name="payments">One payment of each: whom it pays, and in what.</param>
    public Payers(IReadOnlyList<Payment> payments)
    {
        Payments = payments;
        _pairs = [.. payments.Select(_ => ECDsa.Create(ECCurve.NamedCurves.nistP256))];
        _signers = [.. _pairs.Select(KeySigner.From)];
    }

    public IReadOnlyList<Payment> Payments { get; }

    /// <summary>Registers their keys and states how they consent.</summary>
    public async Task RegisterAsync(SettlementClient client, ConsentPolicy policy)
    {
        await SendAsync(client, Instruction.RegisterKey, i =>
            new KeyRegistration(KeyRole.Wallet, Payments[i].Payer, SignatureScheme.P256, NodeKey.Of(_pairs[i]).Spki(), []).Encode()).ConfigureAwait(false);
        await SendAsync(client, Instruction.SetConsent, i => new ConsentSetting(Payments[i].Payer, policy, 1, 0, []).Encode()).ConfigureAwait(false);
    }

    /// <summary>Each commits to its chain: payments to its one payee in one stream.</summary>
    /// <param name="client">Whose session's participant redeems.</param>
    /// <param name="chains">One a payer.</param>
    /// <param name="streamOf">Name of a payer's stream.</param>
    public async Task OpenChainsAsync(SettlementClient client, PayerChains chains, Func<int, ulong> streamOf)
    {
        UInt128 ledger = client.Session.LedgerId;
        await SendAsync(client, Instruction.OpenChain, i =>
        {
            Payment payment = Payments[i];
            var commitment = new ChainCommitment(
                payment.Payer, Limits.OperatorParticipant, streamOf(i), payment.Currency, payment.Payee, payment.Amount, ulong.MaxValue, ulong.MaxValue, chains.Length, chains.End(i));
            return new ChainOpening(commitment, [new OwnerSignature(KeyNumber, _signers[i].Sign(ConsentMessage.OfChain(ledger, commitment)))]).Encode();
        }).ConfigureAwait(false);
    }

    /// <summary>A payer signs a payment.</summary>
    public PaymentEvidence Sign(int payer, UInt128 ledger, int index, in Payment payment) => PaymentEvidence.Sign(index, ledger, Limits.OperatorParticipant, in payment, KeyNumber, _signers[payer]);

    public void Dispose()
    {
        foreach (ECDsa pair in _pairs)
            pair.Dispose();
    }

    private async Task SendAsync(SettlementClient client, Instruction instruction, Func<int, byte[]> payloadOf)
    {
        for (int start = 0; start < Payments.Count; start += CommandsAtOnce)
        {
            IEnumerable<Task<PaymentVerdict>> some = Enumerable.Range(start, Math.Min(CommandsAtOnce, Payments.Count - start))
                .Select(i => client.SendAsync(new ControlCommand { Instruction = instruction }, payloadOf(i)));
            foreach (PaymentVerdict verdict in await Task.WhenAll(some).ConfigureAwait(false))
            {
                if (verdict.Verdict != Verdict.Accepted)
                    throw new CheckFailedException($"the payers could not be set up: {instruction} was {verdict.Verdict}");
            }
        }
    }
}
