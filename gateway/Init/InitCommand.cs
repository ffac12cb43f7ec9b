using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Journal;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Init;

/// <summary>The command line of `init`: a new ledger with its node's key. Exit codes: 0 it is there; 2 it cannot be created as it was asked for.</summary>
internal static class InitCommand
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string> journal = SettleOption.Text("--journal", "DIR", "Where the ledger's journal is made.");
        journal.Required = true;
        Option<string> key = SettleOption.Key();
        Option<ulong?> capacity = SettleOption.Capacity();
        Option<ulong?> clock = SettleOption.Clock("Time of the first block (RFC 3339). Default: the machine's clock.");
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of lines." };
        var command = new Command("init", "Creates a ledger: its journal, and the key with which this node signs closed batches.") { journal, key, capacity, clock, json };
        command.SetAction(parsed =>
        {
            try
            {
                string directory = parsed.GetValue(journal)!;
                BlockClock time = parsed.GetValue(clock) is { } fixedNs ? BlockClock.Fixed(fixedNs) : BlockClock.System;
                int accountsMax = (int)(parsed.GetValue(capacity) ?? LedgerFounding.AccountsMaxDefault);
                Print(LedgerFounding.Found(directory, parsed.GetValue(key), accountsMax, time), directory, parsed.GetValue(json), output);
                return 0;
            }
            catch (Exception unusable) when (unusable is UsageException or JournalException or IOException or UnauthorizedAccessException)
            {
                error.WriteLine(unusable.Message);
                return SettleCommand.ExitUnusable;
            }
        });
        return command;
    }

    private static void Print(FoundedLedger ledger, string journal, bool json, TextWriter output)
    {
        string id = ledger.LedgerId.ToString("x32", CultureInfo.InvariantCulture);
        string keyId = ledger.Genesis.NodeKey.Id.ToString();
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                journal,
                ledger = id,
                accounts_max = ledger.Genesis.AccountsMax,
                key_id = keyId,
                key_made = ledger.KeyMade,
                private_key = ledger.KeyPath,
                public_key = ledger.PublicKeyPath,
            }, s_json));
            return;
        }

        output.WriteLine($"{journal}: ledger {id}");
        output.WriteLine($"  node key     {keyId}, {(ledger.KeyMade ? "made" : "which was there already")}");
        output.WriteLine($"  private key  {ledger.KeyPath}: signs closed batches. Keep it readable by this node's user alone, and keep a copy: without it the ledger cannot go on.");
        output.WriteLine($"  public key   {ledger.PublicKeyPath}: give it to everyone who checks receipts.");
    }
}
