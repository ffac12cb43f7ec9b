using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.Show;
using static Settlement.Replay.Export.TableSchema;

namespace Settlement.Replay.Export;

/// <summary>Control commands of the journal with what became of them (`commands`): who changed what, and why sequences of payments have gaps.</summary>
internal static class CommandRows
{
    public static readonly TableSchema Schema = new("commands", "Every control command of the journal, in order. A field that the command does not have is null.",
    [
        Needed("sequence", ColumnType.Count, "place in the journal; a command that goes on takes the places behind it, too"),
        Needed("block", ColumnType.Count, "number of the block"),
        Needed("time", ColumnType.Time, "the block's time"),
        Needed("time_ns", ColumnType.UInt64, "the same, ns since 1970"),
        Needed("command", ColumnType.Symbol, "open_wallet, set_cap …"),
        Needed("verdict", ColumnType.Symbol, "accepted, or why not"),
        Needed("session", ColumnType.UInt32, "index of the session that sent it"),
        Optional("session_participant", ColumnType.Symbol, "whose session that is; null: no such session"),
        Optional("subject", ColumnType.UInt64, "wallet, batch, or index of the session to open"),
        Optional("name", ColumnType.Text, "of the participant to declare, of the setting, or of the module or treaty"),
        Optional("participant", ColumnType.Symbol, "name; the index, where there is no such participant"),
        Optional("country", ColumnType.Symbol, "ISO 3166 letters"),
        Optional("currency", ColumnType.Symbol, "ISO 4217 letters"),
        Optional("tier", ColumnType.UInt32, "of the wallet"),
        Optional("kind", ColumnType.Symbol, "of the wallet"),
        Optional("level", ColumnType.UInt32, "of the wallet; of a session: its clearance"),
        Optional("status", ColumnType.Symbol, "of the wallet"),
        Optional("scale", ColumnType.UInt32, "of the currency"),
        Optional("basis_points", ColumnType.UInt32, "of the fee"),
        Optional("flags", ColumnType.UInt32, "of the session: 1 operator, 2 may declassify"),
        Optional("value", ColumnType.UInt64, "of the setting; cap or fixed fee in smallest units"),
        Optional("value_2", ColumnType.UInt64, "of the setting: the instruction; of a cap: 0 removes it"),
        Optional("bytes", ColumnType.UInt32, "of what stands behind it: a table, or what a command of governance says"),
        Optional("proposal", ColumnType.UInt64, "number of the proposal that it makes or is about"),
        Optional("device", ColumnType.Text, "that signs, or that is registered or revoked"),
        Optional("details", ColumnType.Text, "of a command of governance: the rest of what it says, `name value`, with semicolons between"),
    ]);

    [Flags]
    private enum Fields
    {
        None = 0,
        Subject = 1,
        Name = 2,
        Participant = 4,
        Country = 8,
        Currency = 16,
        Tier = 32,
        Level = 64,
        Status = 128,
        Scale = 256,
        BasisPoints = 512,
        Flags = 1024,
        Value = 2048,
        Value2 = 4096,
        Bytes = 8192,
        Kind = 16384,
        Wallet = Subject | Participant | Country | Currency | Tier | Kind | Level | Status,
    }

    /// <summary>The commands of the block applied last, from a sequence on.</summary>
    public static void Write(TableWriter table, JournalWalk walk, ulong firstSequence)
    {
        if (walk.Header.Kind != BlockKind.Control)
            return;
        ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<Payment, ControlCommand>(walk.Slots);
        for (int slot = 0; slot < commands.Length; slot += 1 + Math.Min(commands[slot].ContinuationSlots, commands.Length - slot - 1))
        {
            ulong sequence = walk.Header.FirstSequence + (ulong)slot;
            if (sequence < firstSequence)
                continue;
            int length = 1 + Math.Min(commands[slot].ContinuationSlots, commands.Length - slot - 1);
            ReadOnlySpan<byte> continuation = MemoryMarshal.AsBytes(commands.Slice(slot + 1, length - 1));
            table.Count(sequence);
            table.Count(walk.Header.Number);
            table.Time(walk.Header.TimeNs);
            table.UInt64(walk.Header.TimeNs);
            table.Symbol(NameText<Instruction>.Of(commands[slot].Instruction));
            table.Symbol(VerdictText.NameOf(walk.Outcomes[slot].Verdict));
            WriteFields(table, in commands[slot], continuation[..(int)Math.Min((uint)continuation.Length, commands[slot].ContinuationBytes)], walk.State);
        }
    }

    private static void WriteFields(TableWriter table, in ControlCommand command, ReadOnlySpan<byte> continuation, LedgerState state)
    {
        Dictionary<string, object>? law = GovernanceFields.Has(command.Instruction) ? GovernanceFields.Of(state, command.Instruction, continuation)
            : command.Instruction.IsConsent() ? ConsentFields.Of(state, command.Instruction, continuation)
            : null;
        Fields has = FieldsOf(command.Instruction);
        ref readonly SessionRecord session = ref state.Sessions.At(command.Session);
        table.UInt32(command.Session);
        table.SymbolOrNull(session.IsOpen ? state.Participants.NameOf(session.Participant) : null);
        table.UInt64OrNull(has.HasFlag(Fields.Subject) ? command.Subject : null);
        table.TextOrNull(law?.GetValueOrDefault(GovernanceFields.Module)?.ToString() ?? NameOf(in command));
        table.SymbolOrNull(has.HasFlag(Fields.Participant) ? ParticipantOf(state, command.Participant) : null);
        table.SymbolOrNull(has.HasFlag(Fields.Country) ? Iso3166.LettersOf(command.Country) : null);
        table.SymbolOrNull(has.HasFlag(Fields.Currency) && command.Currency != 0 ? CurrencyNames.Of(command.Currency) : null);
        table.UInt32OrNull(has.HasFlag(Fields.Tier) ? command.Tier : null);
        table.SymbolOrNull(has.HasFlag(Fields.Kind) ? NameText<PartyKind>.Of(command.Kind) : null);
        table.UInt32OrNull(has.HasFlag(Fields.Level) ? command.Level : null);
        table.SymbolOrNull(has.HasFlag(Fields.Status) ? NameText<WalletStatus>.Of(command.Status) : null);
        table.UInt32OrNull(has.HasFlag(Fields.Scale) ? command.Scale : null);
        table.UInt32OrNull(has.HasFlag(Fields.BasisPoints) ? command.BasisPoints : null);
        table.UInt32OrNull(has.HasFlag(Fields.Flags) ? (uint)command.SessionFlags : null);
        table.UInt64OrNull(has.HasFlag(Fields.Value) ? command.Value : null);
        table.UInt64OrNull(has.HasFlag(Fields.Value2) ? command.Value2 : null);
        table.UInt32OrNull(has.HasFlag(Fields.Bytes) ? command.ContinuationBytes : null);
        table.UInt64OrNull(law?.GetValueOrDefault(GovernanceFields.Proposal) is string number ? ulong.Parse(number, CultureInfo.InvariantCulture) : null);
        table.TextOrNull(law?.GetValueOrDefault(GovernanceFields.Device)?.ToString());
        table.TextOrNull(law is null ? null : DetailsOf(law));
        table.EndRow();
    }

    private static Fields FieldsOf(Instruction instruction) => instruction switch
    {
        Instruction.DeclareCurrency => Fields.Currency | Fields.Scale | Fields.Participant,
        Instruction.DeclareParticipant => Fields.Name | Fields.Participant,
        Instruction.OpenSession => Fields.Subject | Fields.Participant | Fields.Level | Fields.Flags,
        Instruction.OpenWallet => Fields.Wallet,
        Instruction.OpenAccount => Fields.Subject | Fields.Currency,
        Instruction.CloseWallet or Instruction.SettledBatch => Fields.Subject,
        Instruction.SetWalletStatus => Fields.Subject | Fields.Status,
        Instruction.SetWalletTier => Fields.Subject | Fields.Tier,
        Instruction.SetWalletKind => Fields.Subject | Fields.Kind,
        Instruction.SetWalletLevel => Fields.Subject | Fields.Level,
        Instruction.SetWalletCountry => Fields.Subject | Fields.Country,
        Instruction.SetCap => Fields.Participant | Fields.Currency | Fields.Value | Fields.Value2,
        Instruction.SetFee => Fields.Participant | Fields.Currency | Fields.BasisPoints | Fields.Value,
        Instruction.SetSetting => Fields.Name | Fields.Currency | Fields.Value | Fields.Value2,
        _ when instruction.HasContinuation() => Fields.Bytes,
        _ => Fields.None,
    };

    /// <summary>What has no column of its own.</summary>
    private static string DetailsOf(Dictionary<string, object> fields) => string.Join("; ", fields
        .Where(field => field.Key is not (GovernanceFields.Module or GovernanceFields.Proposal or GovernanceFields.Device))
        .Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Key} {field.Value}")));

    private static string? NameOf(in ControlCommand command) => command.Instruction switch
    {
        Instruction.DeclareParticipant => command.GetName(),
        Instruction.SetSetting => NameText<SettingKey>.Of((SettingKey)Math.Min(command.Subject, ushort.MaxValue)),
        _ => null,
    };

    private static string ParticipantOf(LedgerState state, ushort participant) =>
        state.Participants.Knows(participant) ? state.Participants.NameOf(participant) : participant.ToString(CultureInfo.InvariantCulture);
}
