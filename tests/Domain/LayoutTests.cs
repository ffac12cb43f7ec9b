using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Tests.Domain;

/// <summary>The bytes that comments picture: sizes, and the offset of every field, since they are journaled and sent.</summary>
[TestFixture]
public sealed class LayoutTests
{
    [Test]
    public void A_payment_is_64_bytes_as_pictured() => Expect<Payment>(64,
        (nameof(Payment.IdLow), 0), (nameof(Payment.IdHigh), 8), (nameof(Payment.Payer), 16), (nameof(Payment.Payee), 24),
        (nameof(Payment.Amount), 32), (nameof(Payment.Reference), 40), (nameof(Payment.ValidUntilNs), 48), (nameof(Payment.Currency), 56),
        (nameof(Payment.Instruction), 58), (nameof(Payment.Flags), 59), (nameof(Payment.Level), 60), (nameof(Payment.Purpose), 61),
        (nameof(Payment.Session), 62));

    [Test]
    public void A_control_command_has_instruction_and_session_where_a_payment_has_them() => Expect<ControlCommand>(64,
        (nameof(ControlCommand.Subject), 0), (nameof(ControlCommand.Value), 8), (nameof(ControlCommand.Holder), 16),
        (nameof(ControlCommand.Value2), 24), (nameof(ControlCommand.Participant), 32), (nameof(ControlCommand.Country), 34),
        (nameof(ControlCommand.Tier), 36), (nameof(ControlCommand.Level), 37), (nameof(ControlCommand.Status), 38),
        (nameof(ControlCommand.Scale), 39), (nameof(ControlCommand.Reserved), 40), (nameof(ControlCommand.BasisPoints), 48),
        (nameof(ControlCommand.ContinuationBytes), 52), (nameof(ControlCommand.Currency), 56), (nameof(ControlCommand.Instruction), 58),
        (nameof(ControlCommand.SessionFlags), 59), (nameof(ControlCommand.Kind), 60), (nameof(ControlCommand.Reserved2), 61), (nameof(ControlCommand.Session), 62));

    [Test]
    public void A_block_header_is_128_bytes_as_pictured() => Expect<BlockHeader>(128,
        (nameof(BlockHeader.Magic), 0), (nameof(BlockHeader.Version), 4), (nameof(BlockHeader.Kind), 6), (nameof(BlockHeader.LedgerId), 8),
        (nameof(BlockHeader.Number), 24), (nameof(BlockHeader.FirstSequence), 32), (nameof(BlockHeader.Count), 40),
        (nameof(BlockHeader.BodyBytes), 44), (nameof(BlockHeader.TimeNs), 48), (nameof(BlockHeader.Term), 56), (nameof(BlockHeader.Previous), 64),
        (nameof(BlockHeader.Crc), 96), (nameof(BlockHeader.AttachmentBytes), 100), (nameof(BlockHeader.Reserved0), 104),
        (nameof(BlockHeader.Reserved1), 112), (nameof(BlockHeader.Reserved2), 120));

    [Test]
    public void A_genesis_is_128_bytes_as_pictured() => Expect<Genesis>(128,
        (nameof(Genesis.SaltKey), 0), (nameof(Genesis.AccountsMax), 32), (nameof(Genesis.ParticipantsMax), 36), (nameof(Genesis.CurrenciesMax), 40),
        (nameof(Genesis.SessionsMax), 44), (nameof(Genesis.StreamsMax), 48), (nameof(Genesis.TargetsMax), 52), (nameof(Genesis.SumsMax), 56),
        (nameof(Genesis.Reserved), 60), (nameof(Genesis.NodeKey), 64));

    [Test]
    public void A_batch_header_is_192_bytes_as_pictured() => Expect<BatchHeader>(192,
        (nameof(BatchHeader.Tag), 0), (nameof(BatchHeader.LedgerId), 24), (nameof(BatchHeader.Number), 40), (nameof(BatchHeader.FirstSequence), 48),
        (nameof(BatchHeader.LastSequence), 56), (nameof(BatchHeader.OpenedNs), 64), (nameof(BatchHeader.ClosedNs), 72), (nameof(BatchHeader.Count), 80),
        (nameof(BatchHeader.Accepted), 88), (nameof(BatchHeader.RulesHash), 96), (nameof(BatchHeader.Root), 128), (nameof(BatchHeader.Commitment), 160));

    [Test]
    public void A_seals_signature_is_84_bytes_as_pictured() => Expect<SealSignature>(84,
        (nameof(SealSignature.Version), 0), (nameof(SealSignature.Algorithm), 2), (nameof(SealSignature.KeyId), 4), (nameof(SealSignature.Signature), 20));

    [Test]
    public void An_outcome_is_16_bytes_as_pictured() => Expect<Outcome>(16,
        (nameof(Outcome.Available), 0), (nameof(Outcome.Batch), 8), (nameof(Outcome.Rule), 12), (nameof(Outcome.Verdict), 14), (nameof(Outcome.First), 15));

    [Test]
    public void An_account_is_one_cache_line() => Expect<AccountRow>(64,
        (nameof(AccountRow.Wallet), 0), (nameof(AccountRow.Available), 8), (nameof(AccountRow.Pending), 16), (nameof(AccountRow.Held), 24),
        (nameof(AccountRow.Batch), 32), (nameof(AccountRow.Next), 36), (nameof(AccountRow.SumRow), 40), (nameof(AccountRow.Opening), 44),
        (nameof(AccountRow.Participant), 48), (nameof(AccountRow.Country), 50), (nameof(AccountRow.CurrencyIndex), 52), (nameof(AccountRow.TierAndKind), 53),
        (nameof(AccountRow.Level), 54), (nameof(AccountRow.Status), 55), (nameof(AccountRow.Holder), 56));

    [Test]
    public void Tier_and_kind_of_a_wallet_share_a_byte_and_nothing_else([Values(0, 1, 2, 3)] byte tier, [Values] PartyKind kind)
    {
        var row = new AccountRow { Kind = kind, Tier = tier };
        Assert.That((row.Tier, row.Kind, row.TierAndKind), Is.EqualTo((tier, kind, (byte)(((byte)kind << 2) | tier))));
        Assert.That(row with { Tier = 2, Kind = PartyKind.Business }, Is.EqualTo(new AccountRow { TierAndKind = 0b_010_10 }));
    }

    [Test]
    public void The_policy_of_a_wallet_has_bits_of_its_own([Values] ConsentPolicy policy, [Values] PartyKind kind)
    {
        var row = new AccountRow { Policy = policy, Kind = kind, Tier = 3 };
        Assert.That((row.Policy, row.Kind, row.Tier, row.IsCustodial), Is.EqualTo((policy, kind, (byte)3, policy == ConsentPolicy.Custodial)));
        Assert.That(row with { Policy = ConsentPolicy.Custodial }, Is.EqualTo(new AccountRow { Kind = kind, Tier = 3 }));
        Assert.That((row with { Kind = PartyKind.Person, Tier = 0 }).Policy, Is.EqualTo(policy));
    }

    [Test]
    public void A_target_is_80_bytes_as_pictured() => Expect<TargetRecord>(80,
        (nameof(TargetRecord.IdLow), 0), (nameof(TargetRecord.IdHigh), 8), (nameof(TargetRecord.Remaining), 16), (nameof(TargetRecord.ExpiryNs), 24),
        (nameof(TargetRecord.Sequence), 32), (nameof(TargetRecord.PayerRow), 40), (nameof(TargetRecord.PayeeRow), 44),
        (nameof(TargetRecord.PendingBatch), 48), (nameof(TargetRecord.Law), 48), (nameof(TargetRecord.Participant), 52), (nameof(TargetRecord.Currency), 54),
        (nameof(TargetRecord.Kind), 56), (nameof(TargetRecord.Level), 57), (nameof(TargetRecord.Instruction), 58), (nameof(TargetRecord.Flags), 59),
        (nameof(TargetRecord.Rule), 68), (nameof(TargetRecord.Purpose), 70), (nameof(TargetRecord.ValidUntilNs), 72));

    [Test]
    public void A_position_is_80_bytes_as_pictured() => Expect<PositionRow>(80,
        (nameof(PositionRow.Open), 0), (nameof(PositionRow.Unsettled), 16), (nameof(PositionRow.FeeDue), 32), (nameof(PositionRow.Cap), 48),
        (nameof(PositionRow.FeeFixed), 56), (nameof(PositionRow.FeeBasisPoints), 64), (nameof(PositionRow.FeeCarry), 68),
        (nameof(PositionRow.HasCap), 72), (nameof(PositionRow.Touched), 73));

    [Test]
    public void A_wallet_with_one_account_takes_less_than_200_bytes_index_included()
    {
        using var accounts = new AccountTable(1_000_000);
        Assert.That(accounts.BytesPerAccount, Is.InRange(64, 200));
    }

    private static void Expect<T>(int size, params (string Field, int Offset)[] fields)
        where T : unmanaged
    {
        Assert.That(System.Runtime.CompilerServices.Unsafe.SizeOf<T>(), Is.EqualTo(size));
        foreach ((string field, int offset) in fields)
        {
            var stated = typeof(T).GetField(field)!.CustomAttributes.First(attribute => attribute.AttributeType == typeof(FieldOffsetAttribute));
            Assert.That(stated.ConstructorArguments[0].Value, Is.EqualTo(offset), field);
        }

        Assert.That(typeof(T).GetFields().Where(field => !field.IsLiteral && !field.IsStatic).Select(field => field.Name),
            Is.EquivalentTo(fields.Select(field => field.Field)), "every public field is pictured");
    }
}
