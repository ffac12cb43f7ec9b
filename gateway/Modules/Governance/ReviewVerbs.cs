using System.Buffers.Binary;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>`rules review release|refuse PAYMENT`: what becomes of a payment that a rule sent to review. `replay rules reviews` lists them.</summary>
internal static class ReviewVerbs
{
    public static Command Create(TextWriter output, TextWriter error) => new("review", "Decides about a payment under review, in the name of a device of the module that held it.")
    {
        Decide("release", "Lets it go on: it does what its instruction would have done.", releases: true, output, error),
        Decide("refuse", "Sends it back: the amount is the payer's again.", releases: false, output, error),
    };

    private static Command Decide(string name, string description, bool releases, TextWriter output, TextWriter error)
    {
        var payment = new Argument<string>("payment") { Description = $"The payment's id: {PaymentIdText.Expected}." };
        var reason = new Option<string>("--reason") { HelpName = "TEXT", Description = "Why: what the payer is told, and what an appeal is about.", Required = true };
        Option<string> device = GovernanceOption.Device();
        Option<string> participant = SettleOption.Text("--participant", "NAME", "Under whom the payment is held, where several have one of this id.");
        var verb = new Command(name, description) { payment, reason, device, participant };
        return new GovernanceOption().OnLedger(verb, output, error, (parsed, desk) =>
        {
            string why = parsed.GetValue(reason)!;
            if (why.Length == 0 || Encoding.UTF8.GetByteCount(why) > GovernanceBounds.ReasonBytesMax)
                throw new UsageException($"--reason: 1 to {GovernanceBounds.ReasonBytesMax} bytes of text are expected, not {Encoding.UTF8.GetByteCount(why)}.");
            TargetRecord held = Find(desk.State, parsed.GetValue(payment)!, parsed.GetValue(participant));
            using ECDsa reviewer = DeviceKeyFile.Open(parsed.GetValue(device)!);
            return Send(desk, in held, parsed.GetValue(payment)!, releases, why, reviewer);
        });
    }

    private static DeskReply Send(LawDesk desk, in TargetRecord held, string id, bool releases, string reason, ECDsa reviewer)
    {
        LedgerState state = desk.State;
        KeyId device = NodeKey.Of(reviewer).Id;
        ushort currency = held.Currency;
        string money = $"{AmountText.ToText(held.Remaining, state.Currencies[state.Currencies.IndexOf(currency)].Scale)} {Iso4217.LettersOf(currency)}";
        ulong payer = state.Accounts[held.PayerRow].Wallet, payee = state.Accounts[held.PayeeRow].Wallet;
        Law? law = desk.Book.FindLaw(held.Law);
        ReviewDecision decision = GovernanceMessage.Decide(
            state.LedgerId, IdOf(in held, device, releases, reason), held.Participant, held.Id, releases, reason, reviewer);
        (Verdict verdict, ulong sequence) = desk.Send(Instruction.DecideReview, decision.Encode());
        RefusalText.Check(verdict, verdict switch
        {
            Verdict.UnknownTarget => NotThere(id),
            Verdict.UnknownDevice => law is null ? "It was held by a rule table, not by a module: no device may decide about it, and it goes back when its time is over." : Proposing.NotItsDevice(desk.Book, device, law.Name),
            Verdict.PayerFrozen or Verdict.PayerClosed => $"The payer, wallet {payer}, may not pay now ({RefusalText.NameOf(verdict)}): the payment stays under review; refuse it, or open the wallet again first.",
            Verdict.PayeeFrozen or Verdict.PayeeClosed => $"The payee, wallet {payee}, may not be paid now ({RefusalText.NameOf(verdict)}): the payment stays under review; refuse it, or open the wallet again first.",
            Verdict.DeniedByRule => "A rule in force now denies the payment: it stays under review; refuse it, or change the rule first.",
            Verdict.CapExceeded => "The payer's participant would owe more than its cap: the payment stays under review; settle batches first.",
            Verdict.Overflow or Verdict.TableFull => $"The ledger has no room for it now ({RefusalText.NameOf(verdict)}): the payment stays under review.",
            _ => null,
        });
        return new DeskReply(
            $"Payment {id}, {money} from wallet {payer} to {payee}, is {(releases ? "released" : "refused; the amount is the payer's again")}: {reason} (sequence {sequence}, device {device}).",
            ("payment", id), ("decision", releases ? "release" : "refuse"), ("device", device.ToString()), ("reason", reason), ("verdict", RefusalText.NameOf(verdict)), ("sequence", sequence));
    }

    /// <summary>A function of what is decided: the same decision sent twice has one id.</summary>
    private static UInt128 IdOf(in TargetRecord held, KeyId device, bool releases, string reason)
    {
        byte[] what = [.. "settlement decision id v1"u8, releases ? (byte)1 : (byte)0, .. Words(held.Id), .. BitConverter.GetBytes(held.Participant), .. (ReadOnlySpan<byte>)device, .. Encoding.UTF8.GetBytes(reason)];
        UInt128 id = BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(what));
        return id == 0 ? 1 : id;
    }

    private static byte[] Words(UInt128 number)
    {
        byte[] bytes = new byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, number);
        return bytes;
    }

    private static TargetRecord Find(LedgerState state, string text, string? participant)
    {
        if (!new PaymentIdText().TryParse(Encoding.UTF8.GetBytes(text), out ulong high, out ulong low, out _))
            throw new UsageException($"'{text}': a payment's id is expected, {PaymentIdText.Expected}.");
        var found = new List<TargetRecord>();
        for (int record = 1; record <= state.Targets.RecordsUsed; record++)
        {
            ref readonly TargetRecord held = ref state.Targets[record];
            if (held.Kind == TargetKind.Review && held.IdHigh == high && held.IdLow == low && (participant is null || state.Participants.NameOf(held.Participant) == participant))
                found.Add(held);
        }

        return found.Count switch
        {
            0 => throw new LawRefusedException(NotThere(text)),
            1 => found[0],
            _ => throw new LawRefusedException(
                $"Payments of the id {text} are held under {string.Join(" and ", found.Select(held => state.Participants.NameOf(held.Participant)))}: say which with --participant NAME."),
        };
    }

    private static string NotThere(string id) => $"No payment {id} is under review: it was decided, its time is over, or it never was. `replay rules reviews` lists those that are.";
}
