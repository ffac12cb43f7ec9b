using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.Receipts;

namespace Settlement.Replay.Prove;

/// <summary>`replay prove`: the receipt of one payment.</summary>
internal static class ProveCommand
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var id = new Option<string>("--id") { HelpName = "ID", Description = $"The payment's id: {PaymentIdText.Expected}.", Required = true };
        var sequence = new Option<string>("--sequence") { HelpName = "N", Description = "Which use of the id, where it was accepted for several participants." };
        var file = new Option<string>("--out") { HelpName = "FILE", Description = "Where the receipt goes. Default: it is printed." };
        Option<bool> json = Verb.Json();
        json.Description = "With --out: say what was written as JSON. The receipt itself is JSON always.";
        var command = new Command("prove", "Makes a receipt: proof, to be checked offline and with no journal, that a payment was accepted and is in a sealed batch.")
        {
            journal, id, sequence, file, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            string directory = parsed.GetValue(journal)!;
            var scales = new CurrencyScales();
            Receipt receipt;
            bool asJson = parsed.GetValue(json);
            using (WalkProgress? progress = WalkProgress.Over(directory, error, asJson))
                receipt = ProveRun.Of(directory, parsed.GetValue(id)!, SequenceOf(parsed.GetValue(sequence)), progress, scales);
            if (parsed.GetValue(file) is { } path)
            {
                Write(path, receipt.ToJson());
                output.WriteLine(asJson ? Json(path, receipt, scales) : Line(path, receipt, scales));
            }
            else
            {
                output.Write(receipt.ToJson());
            }

            return 0;
        }));
        return command;
    }

    private static ulong? SequenceOf(string? text) =>
        text is null ? null
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong sequence) ? sequence
        : throw new UsageException($"--sequence {text}: the whole number of a sequence is expected.");

    private static string Amount(Receipt receipt, CurrencyScales scales) => AmountText.ToText(receipt.Payment.Amount, scales[receipt.Payment.Currency]);

    private static string Line(string path, Receipt receipt, CurrencyScales scales) => string.Create(CultureInfo.InvariantCulture,
        $"{path}: payment {PaymentIdText.Format(receipt.Payment)}, {Amount(receipt, scales)} {Iso4217.LettersOf(receipt.Payment.Currency)}, sequence {receipt.Path.Sequence}, in batch {receipt.Header.Number}, signed by node key {receipt.Key.Id}. `replay check` checks it.");

    private static string Json(string path, Receipt receipt, CurrencyScales scales) => JsonSerializer.Serialize(new
    {
        receipt = path,
        ledger = receipt.Header.LedgerId.ToString("x32", CultureInfo.InvariantCulture),
        id = PaymentIdText.Format(receipt.Payment),
        amount = Amount(receipt, scales),
        currency = Iso4217.LettersOf(receipt.Payment.Currency),
        sequence = receipt.Path.Sequence.ToString(CultureInfo.InvariantCulture),
        batch = receipt.Header.Number.ToString(CultureInfo.InvariantCulture),
        key_id = receipt.Key.Id.ToString(),
    }, s_json);

    /// <summary>Whole under its name, or not there.</summary>
    private static void Write(string path, string text)
    {
        if (Directory.Exists(path))
            throw new UsageException($"--out {path}: a folder; the name of a file is expected.");
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder && !Directory.Exists(folder))
            throw new UsageException($"--out {path}: there is no folder '{folder}'. Make it, or name another.");
        string unfinished = $"{path}.{Path.GetRandomFileName()}";
        try
        {
            using (FileStream stream = File.Create(unfinished))
            {
                stream.Write(Encoding.UTF8.GetBytes(text));
                stream.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }
}
