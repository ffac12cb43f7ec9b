using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.Receipts;

namespace Settlement.Replay.Check;

/// <summary>`replay check`: whether a receipt is valid, with nothing but the receipt and the node's public key.</summary>
internal static class CheckCommand
{
    private const int KeyBytesMax = 16 << 10;

    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(TextWriter output, TextWriter error)
    {
        var receipt = new Argument<string>("receipt") { Description = "The receipt's file. No journal is needed." };
        var key = new Option<string>("--key")
        {
            HelpName = "FILE",
            Description = "The public key (node.pub) of the node that you expect to have signed. Without it the receipt is checked against the key that it brings itself.",
        };
        Option<bool> json = Verb.Json();
        var command = new Command("check", "Checks a receipt. Exit codes: 0 valid; 1 not valid, and which step failed; 2 it cannot be read.") { receipt, key, json };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            string path = parsed.GetValue(receipt)!;
            string? keyPath = parsed.GetValue(key);
            NodeKey? named = keyPath is null ? null : ReadKey(keyPath);
            Receipt read = ReceiptFile.Read(path);
            CheckResult result = ReceiptCheck.Of(read, named);
            if (parsed.GetValue(json))
                output.WriteLine(Json(path, read, result, named is not null));
            else
                PrintLines(path, read, result, keyPath, output);
            return result.IsValid ? 0 : ReplayCommand.ExitUnsound;
        }));
        return command;
    }

    private static NodeKey ReadKey(string path)
    {
        string text = System.Text.Encoding.Latin1.GetString(ReceiptFile.ReadBytes(path, KeyBytesMax));
        if (NodeKey.TryParsePem(text, out NodeKey key))
            return key;
        throw new UsageException(text.Contains("PRIVATE KEY-----", StringComparison.Ordinal)
            ? $"--key {path}: it holds a private key, which nobody needs to check a receipt; name the public one, node.pub."
            : $"--key {path}: a node's public key as PEM (node.pub, -----BEGIN PUBLIC KEY----- of P-256) is expected.");
    }

    private static void PrintLines(string path, Receipt receipt, CheckResult result, string? keyPath, TextWriter output)
    {
        Payment payment = receipt.Payment;
        string id = PaymentIdText.Format(payment);
        if (!result.IsValid)
        {
            Line(output, $"{path}: NOT VALID, at the step {StepName(result.Failed)}: {result.What}.");
            Line(output, $"  Whatever it says of payment {id} is not proven.");
            return;
        }

        Line(output, $"{path}: valid. Payment {id} was accepted and is in batch {receipt.Header.Number}.");
        Line(output, $"  payment    {NameOf(payment)}, {payment.Amount} smallest units of {Iso4217.LettersOf(payment.Currency)}{Parties(payment)}");
        Line(output, $"  ledger     {receipt.Header.LedgerId:x32}, sequence {receipt.Path.Sequence}");
        Line(output, $"  batch      {receipt.Header.Number}, sequences {receipt.Header.FirstSequence} to {receipt.Header.LastSequence}, {receipt.Header.Accepted} accepted payments, closed {TimeText.Format(receipt.Header.ClosedNs)}");
        Line(output, $"  signed by  node key {receipt.Key.Id}");
        Line(output, keyPath is not null
            ? (FormattableString)$"  key        the one in {keyPath}"
            : $"  WARNING    the key is the receipt's own, and not one that you named: anyone can make such a receipt under a key of theirs. Compare {receipt.Key.Id} with what the node's operator publishes, or name the key: --key node.pub");
    }

    private static string NameOf(in Payment payment) => Receipt.Instructions.NameOf(payment.Instruction);

    /// <summary>A capture, void or refund names a payment where others name parties.</summary>
    private static string Parties(in Payment payment) => payment.Instruction switch
    {
        Instruction.Capture or Instruction.Void or Instruction.Refund => $" of payment {payment.TargetId:x32}",
        Instruction.Issue => string.Create(CultureInfo.InvariantCulture, $" to wallet {payment.Payee}"),
        Instruction.Redeem => string.Create(CultureInfo.InvariantCulture, $" from wallet {payment.Payer}"),
        _ => string.Create(CultureInfo.InvariantCulture, $" from wallet {payment.Payer} to wallet {payment.Payee}"),
    };

    private static string Json(string path, Receipt receipt, CheckResult result, bool keyNamed) => JsonSerializer.Serialize(new
    {
        receipt = path,
        valid = result.IsValid,
        failed_step = result.IsValid ? null : StepName(result.Failed),
        what = result.IsValid ? null : result.What,
        id = PaymentIdText.Format(receipt.Payment),
        sequence = receipt.Path.Sequence.ToString(CultureInfo.InvariantCulture),
        ledger = receipt.Header.LedgerId.ToString("x32", CultureInfo.InvariantCulture),
        batch = receipt.Header.Number.ToString(CultureInfo.InvariantCulture),
        key_id = receipt.Key.Id.ToString(),
        key_named = keyNamed,
    }, s_json);

    private static string StepName(CheckStep step) => step switch
    {
        CheckStep.Key => "key",
        CheckStep.Path => "path",
        CheckStep.Root => "root",
        CheckStep.Header => "header",
        _ => "signature",
    };

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
