using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;
using static Settlement.Tests.Reference.Scenario;

namespace Settlement.Tests.Reference;

/// <summary>Keys, mandates and consent. Wallets are Alpha's; its keys are pairs 1, 2 and 3.</summary>
public abstract partial class LedgerScenarios
{
    private static readonly NaiveSignatures.Pair[] s_owner = [new(1, SignatureScheme.P256), new(2, SignatureScheme.P256), new(3, SignatureScheme.MlDsa65)];

    [Test]
    public void A_signed_wallet_pays_with_as_many_keys_as_the_amount_asks_for()
    {
        Scenario story = Signed(Anna, k: 2, threshold: 500);
        Payment small = story.Micro(Anna, Bert, 500), large = story.Micro(Anna, Bert, 501), larger = story.Hold(Anna, Bert, 502), bare = story.Immediate(Anna, Bert, 1);
        Outcome[] outcomes = story.PayWith(
            [.. SignatureBy(0, 1), .. SignatureBy(1, 1), .. SignatureBy(1, 1), .. SignatureBy(2, 1), .. SignatureBy(2, 3, SignatureScheme.MlDsa65)],
            small, large, larger, bare);
        Assert.That(outcomes.Select(outcome => outcome.Verdict), Is.EqualTo(
            (Verdict[])[Verdict.Accepted, Verdict.ConsentMissing, Verdict.Accepted, Verdict.ConsentMissing]));
        Expect(story.Pay(small), Verdict.Duplicate);
        Expect(story.Pay(story.Micro(Adam, Bert, 501)), Verdict.Accepted); // custodial
        Outcome[] scheme = story.PayWith(SignatureBy(0, 3, SignatureScheme.P256), story.Micro(Anna, Bert, 1));
        Expect(scheme[0], Verdict.ConsentMissing);
    }

    [Test]
    public void A_signature_serves_no_id_that_will_be_forgotten()
    {
        Scenario story = Signed(Anna, k: 1, threshold: 0);
        Payment forgotten = Scenario.WithUuid4(story.Micro(Anna, Bert, 5), tail: 1);
        Expect(story.PayWith(SignatureBy(0, 1), forgotten)[0], Verdict.ConsentMissing);
        story.Do(Setting(SettingKey.IdRetentionNs, 0));
        Expect(story.PayWith(SignatureBy(0, 1), Scenario.WithUuid4(forgotten, tail: 2))[0], Verdict.Accepted);
    }

    [Test]
    public void A_revoked_key_signs_no_more_and_never_comes_back()
    {
        Scenario story = Signed(Anna, k: 1, threshold: 0);
        KeyId first = PublicKeyForm.IdOf(s_owner[0].Spki);
        var revocation = new KeyRevocation(KeyRole.Wallet, Anna, first, []);
        ulong counter = 4; // three keys and a policy
        Assert.That(story.Send(Instruction.RevokeKey, revocation.Encode(), AlphaDesk), Is.EqualTo(Verdict.ConsentMissing));
        Assert.That(story.Send(Instruction.RevokeKey, revocation.Encode(), BetaDesk), Is.EqualTo(Verdict.NotAuthorised));
        byte[] signed = (revocation with { Signatures = Words(Instruction.RevokeKey, Anna, counter, revocation.Body(), 1) }).Encode();
        Assert.That(story.Send(Instruction.RevokeKey, signed, AlphaDesk), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Send(Instruction.RevokeKey, signed, AlphaDesk), Is.EqualTo(Verdict.Duplicate));
        Expect(story.PayWith(SignatureBy(0, 1), story.Micro(Anna, Bert, 1))[0], Verdict.ConsentMissing);
        Expect(story.PayWith(SignatureBy(0, 2), story.Micro(Anna, Bert, 1))[0], Verdict.Accepted);
        var again = new KeyRegistration(KeyRole.Wallet, Anna, SignatureScheme.P256, s_owner[0].Spki, []);
        Assert.That(story.Send(Instruction.RegisterKey, again.Encode(), AlphaDesk), Is.EqualTo(Verdict.AlreadyExists));
    }

    [Test]
    public void An_owners_word_serves_once()
    {
        Scenario story = Signed(Anna, k: 1, threshold: 0);
        var given = new MandateSetting(Anna, Beta, true, 0, []);
        byte[] signed = (given with { Signatures = Words(Instruction.SetMandate, Anna, 4, given.Body(), 1) }).Encode();
        Assert.That(story.Send(Instruction.SetMandate, signed, AlphaDesk), Is.EqualTo(Verdict.Accepted));
        var withdrawn = new MandateSetting(Anna, Beta, false, 0, []);
        Assert.That(story.Send(Instruction.SetMandate, (withdrawn with { Signatures = Words(Instruction.SetMandate, Anna, 5, withdrawn.Body(), 3) }).Encode(), AlphaDesk),
            Is.EqualTo(Verdict.Accepted), "in the scheme of the third key");
        Assert.That(story.Send(Instruction.SetMandate, signed, AlphaDesk), Is.EqualTo(Verdict.BadSignature), "the counter went on");
        byte[] unknown = (given with { Signatures = [new OwnerSignature(9, new byte[64])] }).Encode();
        Assert.That(story.Send(Instruction.SetMandate, unknown, AlphaDesk), Is.EqualTo(Verdict.UnknownKey));
    }

    [Test]
    public void Two_operators_stand_in_for_lost_keys_and_one_does_not()
    {
        Scenario story = Signed(Anna, k: 1, threshold: 0);
        byte[] custodial = new ConsentSetting(Anna, ConsentPolicy.Custodial, 0, 0, []).Encode();
        Assert.That(story.Send(Instruction.SetConsent, custodial), Is.EqualTo(Verdict.AwaitingQuorum));
        Assert.That(story.Send(Instruction.SetConsent, custodial), Is.EqualTo(Verdict.AwaitingQuorum), "one and the same");
        Assert.That(story.Send(Instruction.SetConsent, custodial, LowOperator), Is.EqualTo(Verdict.NotAuthorised));
        Assert.That(story.Send(Instruction.SetConsent, custodial, SecondOperator), Is.EqualTo(Verdict.Accepted));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
    }

    [Test]
    public void A_mandate_lets_another_participant_debit_until_its_time_and_tells_it_no_balance()
    {
        Scenario story = Begin();
        Payment foreign = story.Micro(Anna, Bert, 10) with { Session = BetaDesk };
        Expect(story.Pay(foreign), Verdict.NotAuthorised);
        ulong until = story.NowNs + (60 * Limits.NsPerSecond);
        Assert.That(story.Send(Instruction.SetMandate, new MandateSetting(Anna, Beta, true, until, []).Encode(), AlphaDesk), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Send(Instruction.SetMandate, new MandateSetting(Anna, Alpha, true, until, []).Encode(), AlphaDesk), Is.EqualTo(Verdict.InvalidValue));
        story.Wait(TimeSpan.FromSeconds(60));
        Outcome paid = story.Pay(story.Micro(Anna, Bert, 10) with { Session = BetaDesk });
        Expect(paid, Verdict.Accepted);
        Assert.That(paid.Available, Is.Zero);
        Assert.That(story.Pay(story.Micro(Anna, Bert, 10)).Available, Is.EqualTo(OpeningCents - 20), "its own participant is told");
        Assert.That((int)story.Position(Alpha), Is.EqualTo(-20), "whose position it is, does not change");
        Expect(story.Pay(story.Micro(Agent, Bert, 10) with { Session = BetaLow }), Verdict.Refused);
        story.Wait(TimeSpan.FromTicks(1));
        Expect(story.Pay(story.Micro(Anna, Bert, 10) with { Session = BetaDesk }), Verdict.NotAuthorised);
    }

    [Test]
    public void A_chain_pays_link_by_link_up_to_its_ceiling()
    {
        Scenario story = Streaming(Anna);
        PayWordChain chain = Chain(1);
        ChainCommitment commitment = Commitment(story, chain, ceiling: 100, most: 40);
        Assert.That(story.Send(Instruction.OpenChain, Opening(commitment, 2), AlphaDesk), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Send(Instruction.OpenChain, Opening(commitment, 1), AlphaDesk), Is.EqualTo(Verdict.Duplicate));
        Assert.That(story.Send(Instruction.OpenChain, Opening(commitment with { Ceiling = 1_000 }, 1), AlphaDesk), Is.EqualTo(Verdict.AlreadyExists));

        // The last link of the block stands for all; one more than a payment may take; another currency's is refused before.
        Outcome[] outcomes = story.PayWith(LinkAt(story, 2, chain, 3), InStream(story, 1, 40), InStream(story, 2, 41), InStream(story, 3, 30), InStream(story, 4, 1));
        Assert.That(outcomes.Select(outcome => outcome.Verdict), Is.EqualTo(
            (Verdict[])[Verdict.Accepted, Verdict.ConsentExceeded, Verdict.Accepted, Verdict.ConsentMissing]));
        outcomes = story.PayWith([.. LinkAt(story, 0, chain, 5), .. LinkAt(story, 3, chain, 8)],
            InStream(story, 5, 31), InStream(story, 6, 30), InStream(story, 7, 1), InStream(story, 8, 1) with { Payer = Adam });
        Assert.That(outcomes.Select(outcome => outcome.Verdict), Is.EqualTo(
            (Verdict[])[Verdict.ConsentExceeded, Verdict.ConsentMissing, Verdict.ConsentMissing, Verdict.Accepted]), "the last link is of Adam's payment, who has no chain");
        Expect(story.PayWith(LinkAt(story, 0, chain, 9), InStream(story, 9, 30))[0], Verdict.Accepted);
        Expect(story.PayWith(LinkAt(story, 0, chain, 10), InStream(story, 10, 1))[0], Verdict.ConsentExceeded);
        Expect(story.Pay(InStream(story, 1, 40)), Verdict.Duplicate);
    }

    [Test]
    public void A_chain_is_for_who_redeems_it_its_payee_and_its_time_and_ends_with_a_key_that_signed_it()
    {
        Scenario story = Streaming(Anna);
        PayWordChain chain = Chain(2);
        ChainCommitment commitment = Commitment(story, chain, ceiling: 100, most: 100) with { Payee = Bea };
        Assert.That(story.Send(Instruction.OpenChain, Opening(commitment, 1), BetaDesk), Is.EqualTo(Verdict.NotAuthorised));
        Assert.That(story.Send(Instruction.OpenChain, new ChainOpening(commitment, []).Encode(), Operator), Is.EqualTo(Verdict.ConsentMissing), "no operator's word");
        Assert.That(story.Send(Instruction.OpenChain, Opening(commitment with { Wallet = Adam }, 1), AlphaDesk), Is.EqualTo(Verdict.InvalidValue), "custodial");
        Assert.That(story.Send(Instruction.OpenChain, Opening(commitment, 2), AlphaDesk), Is.EqualTo(Verdict.Accepted));
        Outcome[] outcomes = story.PayWith(LinkAt(story, 0, chain, 1), InStream(story, 1, 1), InStream(story, 1, 1) with { Payee = Bea, Session = BetaOperator });
        Assert.That(outcomes.Select(outcome => outcome.Verdict), Is.EqualTo((Verdict[])[Verdict.ConsentExceeded, Verdict.ConsentMissing]), "another payee; another participant's stream");
        Expect(story.PayWith(LinkAt(story, 0, chain, 2), InStream(story, 2, 1) with { Payee = Bea })[0], Verdict.Accepted);
        story.Wait(TimeSpan.FromSeconds(600));
        Expect(story.PayWith(LinkAt(story, 0, chain, 3), InStream(story, 3, 1) with { Payee = Bea })[0], Verdict.Accepted);
        story.Wait(TimeSpan.FromTicks(1));
        Expect(story.PayWith(LinkAt(story, 0, chain, 4), InStream(story, 4, 1) with { Payee = Bea })[0], Verdict.ConsentExceeded);
        Assert.That(story.Send(Instruction.OpenChain, Opening(commitment, 2), AlphaDesk), Is.EqualTo(Verdict.InvalidValue), "over, and not opened twice");

        ChainCommitment next = commitment with { ExpiryNs = story.NowNs + Limits.NsPerHour, End = Chain(3).End };
        Assert.That(story.Send(Instruction.OpenChain, Opening(next, 2), AlphaDesk), Is.EqualTo(Verdict.Accepted), "in its place");
        var revocation = new KeyRevocation(KeyRole.Wallet, Anna, PublicKeyForm.IdOf(s_owner[1].Spki), []);
        Assert.That(story.Send(Instruction.RevokeKey, (revocation with { Signatures = Words(Instruction.RevokeKey, Anna, 4, revocation.Body(), 1) }).Encode(), AlphaDesk),
            Is.EqualTo(Verdict.Accepted));
        Expect(story.PayWith(LinkAt(story, 0, Chain(3), 5), InStream(story, 5, 1) with { Payee = Bea })[0], Verdict.ConsentMissing);
        foreach (int key in (int[])[1, 2])
            Assert.That(story.Send(Instruction.OpenChain, Opening(next, key), AlphaDesk), Is.EqualTo(Verdict.AlreadyExists), $"not opened anew, with its whole ceiling, by key {key}");
        story.Wait(TimeSpan.FromMinutes(59));
        Assert.That(story.Send(Instruction.OpenChain, Opening(next, 1), AlphaDesk), Is.EqualTo(Verdict.AlreadyExists));
        story.Wait(TimeSpan.FromMinutes(2));
        ChainCommitment last = next with { ExpiryNs = story.NowNs + Limits.NsPerHour };
        Assert.That(story.Send(Instruction.OpenChain, Opening(last, 2), AlphaDesk), Is.EqualTo(Verdict.UnknownKey));
        Assert.That(story.Send(Instruction.OpenChain, Opening(last, 1), AlphaDesk), Is.EqualTo(Verdict.Accepted));
    }

    [Test]
    public void A_closed_session_is_unknown_and_the_nodes_own_stays()
    {
        Scenario story = Begin();
        byte[] closing = new SessionClosing(AlphaDesk).Encode();
        Assert.That(story.Send(Instruction.CloseSession, closing, AlphaDesk), Is.EqualTo(Verdict.NotAuthorised));
        Assert.That(story.Send(Instruction.CloseSession, closing), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Send(Instruction.CloseSession, closing), Is.EqualTo(Verdict.Duplicate));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.UnknownSession);
        Assert.That(story.Send(Instruction.SetMandate, new MandateSetting(Anna, Beta, true, 0, []).Encode(), AlphaDesk), Is.EqualTo(Verdict.UnknownSession));
        Assert.That(story.Do(Session(AlphaDesk, Alpha, 255)), Is.EqualTo(Verdict.AlreadyExists), "it is not opened again");
        Assert.That(story.Send(Instruction.CloseSession, new SessionClosing(Operator).Encode()), Is.EqualTo(Verdict.InvalidValue));
        Assert.That(story.Send(Instruction.CloseSession, new SessionClosing(77).Encode()), Is.EqualTo(Verdict.InvalidValue));
    }

    /// <summary>Agent is of level 200, the low desk of 100, Nobody was never opened: every command is answered alike.</summary>
    [Test]
    public void A_wallet_above_the_session_is_met_as_if_it_did_not_exist()
    {
        Scenario story = Signed(Agent, k: 1, threshold: 0);
        foreach (ulong wallet in (ulong[])[Agent, Nobody])
        {
            foreach ((Instruction instruction, byte[] payload) in (ReadOnlySpan<(Instruction, byte[])>)
                [
                    (Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, wallet, SignatureScheme.P256, s_owner[0].Spki, []).Encode()),
                    (Instruction.RevokeKey, new KeyRevocation(KeyRole.Wallet, wallet, PublicKeyForm.IdOf(s_owner[0].Spki), []).Encode()),
                    (Instruction.SetMandate, new MandateSetting(wallet, Beta, true, 0, []).Encode()),
                    (Instruction.SetConsent, new ConsentSetting(wallet, ConsentPolicy.Signed, 1, 0, []).Encode()),
                    (Instruction.OpenChain, Opening(Commitment(story, Chain(1), 10, 10) with { Wallet = wallet }, 1)),
                ])
                Assert.That(story.Send(instruction, payload, AlphaLow), Is.EqualTo(Verdict.UnknownWallet), $"{instruction} of {wallet}");
            Payment payment = story.Micro(wallet, Bert, 1) with { Session = AlphaLow };
            Expect(story.Pay(payment), Verdict.Refused);
        }
    }

    [Test]
    public void A_key_is_of_one_session_for_ever_and_a_wallets_keys_are_its_own_matter()
    {
        Scenario story = Begin();
        byte[] desk = new KeyRegistration(KeyRole.Session, AlphaDesk, SignatureScheme.P256, s_owner[0].Spki, []).Encode();
        Assert.That(story.Send(Instruction.RegisterKey, desk, AlphaDesk), Is.EqualTo(Verdict.NotAuthorised));
        Assert.That(story.Send(Instruction.RegisterKey, desk), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Send(Instruction.RegisterKey, desk), Is.EqualTo(Verdict.Duplicate));
        Assert.That(story.Send(Instruction.RegisterKey, new KeyRegistration(KeyRole.Session, BetaDesk, SignatureScheme.P256, s_owner[0].Spki, []).Encode()),
            Is.EqualTo(Verdict.AlreadyExists));
        Assert.That(story.Send(Instruction.RegisterKey, new KeyRegistration(KeyRole.Session, 99, SignatureScheme.P256, s_owner[1].Spki, []).Encode()),
            Is.EqualTo(Verdict.InvalidValue));
        foreach (ulong wallet in (ulong[])[Anna, Adam])
            Assert.That(story.Send(Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, wallet, SignatureScheme.P256, s_owner[0].Spki, []).Encode(), AlphaDesk),
                Is.EqualTo(Verdict.Accepted), $"wallet {wallet}");
        byte[] revocation = new KeyRevocation(KeyRole.Session, AlphaDesk, PublicKeyForm.IdOf(s_owner[0].Spki), []).Encode();
        Assert.That(story.Send(Instruction.RevokeKey, revocation), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Send(Instruction.RegisterKey, desk), Is.EqualTo(Verdict.AlreadyExists));
        byte[] offCurve = [.. s_owner[1].Spki];
        offCurve[^1] ^= 1;
        Assert.That(story.Send(Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, Anna, SignatureScheme.P256, offCurve, []).Encode(), AlphaDesk),
            Is.EqualTo(Verdict.InvalidValue));
    }

    [Test]
    public void A_policy_asks_for_no_more_keys_than_there_are()
    {
        Scenario story = Begin();
        byte[] one = new ConsentSetting(Anna, ConsentPolicy.Signed, 1, 0, []).Encode();
        Assert.That(story.Send(Instruction.SetConsent, one, AlphaDesk), Is.EqualTo(Verdict.QuorumMissing));
        Assert.That(story.Send(Instruction.SetConsent, new ConsentSetting(Anna, ConsentPolicy.Custodial, 0, 0, []).Encode(), AlphaDesk), Is.EqualTo(Verdict.Duplicate));
        story.Send(Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, Anna, SignatureScheme.P256, s_owner[0].Spki, []).Encode(), AlphaDesk);
        Assert.That(story.Send(Instruction.SetConsent, new ConsentSetting(Anna, ConsentPolicy.Signed, 2, 5, []).Encode(), AlphaDesk), Is.EqualTo(Verdict.QuorumMissing));
        Assert.That(story.Send(Instruction.SetConsent, one, AlphaDesk), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Do(Account(Anna, Dollar)), Is.EqualTo(Verdict.Accepted));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.ConsentMissing);
    }

    private Scenario Signed(ulong wallet, byte k, ulong threshold) => WithPolicy(wallet, new ConsentSetting(wallet, ConsentPolicy.Signed, k, threshold, []));

    private Scenario Streaming(ulong wallet) => WithPolicy(wallet, new ConsentSetting(wallet, ConsentPolicy.Stream, 1, 0, []));

    private Scenario WithPolicy(ulong wallet, ConsentSetting setting)
    {
        Scenario story = Begin();
        foreach (NaiveSignatures.Pair pair in s_owner)
            Assert.That(story.Send(Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, wallet, pair.Scheme, pair.Spki, []).Encode(), AlphaDesk),
                Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Send(Instruction.SetConsent, setting.Encode(), AlphaDesk), Is.EqualTo(Verdict.Accepted));
        return story;
    }

    private static OwnerSignature[] Words(Instruction instruction, ulong wallet, ulong counter, byte[] body, int key)
    {
        byte[] message = NaiveSignatures.Message("settlement wallet command v1",
            [(byte)instruction, .. BitConverter.GetBytes(wallet), .. BitConverter.GetBytes(counter), .. SHA256.HashData(body)]);
        return [new OwnerSignature((ushort)key, s_owner[key - 1].Sign(message))];
    }

    private const ulong ChainStream = 4711;

    private static PayWordChain Chain(byte seed)
    {
        var first = Digest.From(SHA256.HashData([seed]));
        return new PayWordChain(in first, 300);
    }

    private static ChainCommitment Commitment(Scenario story, PayWordChain chain, ulong ceiling, ulong most) =>
        new(Anna, Alpha, ChainStream, Euro, 0, most, ceiling, story.NowNs + (600 * Limits.NsPerSecond), chain.Length, chain.End);

    private static byte[] Opening(ChainCommitment commitment, int key) => new ChainOpening(commitment,
        [new OwnerSignature((ushort)key, s_owner[key - 1].Sign(NaiveSignatures.Message("settlement chain v1", commitment.Encode())))]).Encode();

    private static Payment InStream(Scenario story, ulong number, ulong amount) =>
        story.Micro(Anna, Bert, amount) with { IdHigh = ChainStream, IdLow = number };

    private static byte[] LinkAt(Scenario story, uint index, PayWordChain chain, uint number)
    {
        Digest link = chain.Link(number);
        return Entry(new EvidenceEntry { Kind = EvidenceKind.Link, Index = index, Key = story.ChainOpened, Length = 32 }, link);
    }

    private static byte[] SignatureBy(uint index, ulong key, SignatureScheme scheme = SignatureScheme.P256)
    {
        var bytes = new byte[PublicKeyForm.SignatureBytesOf(scheme)]; // whether it verifies was asked before the journal
        return Entry(new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = scheme, Index = index, Key = key, Length = (ushort)bytes.Length }, bytes);
    }

    private static byte[] Entry(EvidenceEntry entry, ReadOnlySpan<byte> bytes)
    {
        var whole = new byte[EvidenceEntry.Size + entry.PaddedLength];
        MemoryMarshal.Write(whole, in entry);
        bytes.CopyTo(whole.AsSpan(EvidenceEntry.Size));
        return whole;
    }
}
