using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>A control command's fields by name: those that its instruction has, and no other bytes of its slot.</summary>
internal static class CommandFields
{
    /// <param name="state">Names and scales.</param>
    /// <param name="command">The command.</param>
    /// <param name="continuation">Its continuation; empty: none, or not whole.</param>
    /// <returns>Values are text or small whole numbers.</returns>
    public static Dictionary<string, object> Of(LedgerState state, in ControlCommand command, ReadOnlySpan<byte> continuation)
    {
        if (GovernanceFields.Has(command.Instruction))
            return GovernanceFields.Of(state, command.Instruction, continuation);
        if (command.Instruction.IsConsent())
            return ConsentFields.Of(state, command.Instruction, continuation);
        var fields = new Dictionary<string, object>();
        switch (command.Instruction)
        {
            case Instruction.DeclareCurrency:
                AddCurrency(fields, command.Currency);
                fields.Add("scale", command.Scale);
                fields.Add("authority", LedgerText.ParticipantOf(state, command.Participant));
                break;
            case Instruction.DeclareParticipant:
                fields.Add("participant", command.Participant);
                fields.Add("name", command.GetName());
                break;
            case Instruction.OpenSession:
                fields.Add("opened", Text(command.Subject));
                AddParticipant(fields, state, command.Participant);
                fields.Add("clearance", command.Level);
                fields.Add("flags", FlagsOf(command.SessionFlags));
                break;
            case Instruction.OpenWallet:
                AddOpenWallet(fields, state, in command);
                break;
            case Instruction.OpenAccount:
                AddWallet(fields, in command);
                AddCurrency(fields, command.Currency);
                break;
            case Instruction.SetCap or Instruction.SetFee:
                AddCapOrFee(fields, state, in command);
                break;
            case Instruction.SetSetting:
                AddSetting(fields, state, in command);
                break;
            case Instruction.ActivateRules:
                AddRules(fields, in command, continuation);
                break;
            case Instruction.SettledBatch:
                fields.Add("batch", Text(command.Subject));
                break;
            case Instruction.CloseWallet or Instruction.SetWalletStatus or Instruction.SetWalletTier or Instruction.SetWalletLevel or Instruction.SetWalletCountry
                or Instruction.SetWalletKind:
                AddWallet(fields, in command);
                AddWalletChange(fields, in command);
                break;
        }

        return fields;
    }

    private static void AddOpenWallet(Dictionary<string, object> fields, LedgerState state, in ControlCommand command)
    {
        AddWallet(fields, in command);
        AddParticipant(fields, state, command.Participant);
        fields.Add("country", LedgerText.CountryOf(command.Country));
        fields.Add("tier", command.Tier);
        if (command.Kind != PartyKind.Unstated)
            fields.Add("kind", SnakeCase.Of(command.Kind));
        fields.Add("level", command.Level);
        fields.Add("status", SnakeCase.Of(command.Status));
        if (command.Holder != 0)
            fields.Add("holder", Text(command.Holder));
        if (command.Currency != 0)
            AddCurrency(fields, command.Currency);
    }

    private static void AddWalletChange(Dictionary<string, object> fields, in ControlCommand command)
    {
        if (command.Instruction == Instruction.SetWalletStatus)
            fields.Add("status", SnakeCase.Of(command.Status));
        else if (command.Instruction == Instruction.SetWalletTier)
            fields.Add("tier", command.Tier);
        else if (command.Instruction == Instruction.SetWalletKind)
            fields.Add("kind", SnakeCase.Of(command.Kind));
        else if (command.Instruction == Instruction.SetWalletLevel)
            fields.Add("level", command.Level);
        else if (command.Instruction == Instruction.SetWalletCountry)
            fields.Add("country", LedgerText.CountryOf(command.Country));
    }

    private static void AddCapOrFee(Dictionary<string, object> fields, LedgerState state, in ControlCommand command)
    {
        AddParticipant(fields, state, command.Participant);
        AddCurrency(fields, command.Currency);
        string amount = LedgerText.Amount(state, command.Value, command.Currency);
        if (command.Instruction == Instruction.SetCap)
        {
            fields.Add("cap", command.Value2 == 0 ? "none" : amount);
            return;
        }

        fields.Add("basis_points", command.BasisPoints);
        fields.Add("fixed", amount);
    }

    private static void AddSetting(Dictionary<string, object> fields, LedgerState state, in ControlCommand command)
    {
        var key = (SettingKey)command.Subject;
        fields.Add("setting", command.Subject <= ushort.MaxValue ? SnakeCase.Of(key) : Text(command.Subject));
        if (key == SettingKey.BatchValue)
        {
            AddCurrency(fields, command.Currency);
            fields.Add("value", command.Value == 0 ? "none" : LedgerText.Amount(state, command.Value, command.Currency));
            return;
        }

        if (key == SettingKey.InstructionLevel)
            fields.Add("instruction", command.Value2 <= byte.MaxValue ? SnakeCase.Of((Instruction)command.Value2) : Text(command.Value2));
        fields.Add("value", Text(command.Value));
    }

    private static void AddRules(Dictionary<string, object> fields, in ControlCommand command, ReadOnlySpan<byte> continuation)
    {
        fields.Add("bytes", command.ContinuationBytes);
        if (RuleTable.TryDecode(continuation, out RuleTable? table, out string error) && table is not null)
        {
            fields.Add("rules", table.Rules.Length);
            fields.Add("table", table.Hash.ToString());
        }
        else
        {
            fields.Add("not_a_table", error);
        }
    }

    private static void AddWallet(Dictionary<string, object> fields, in ControlCommand command) => fields.Add("wallet", Text(command.Subject));

    private static void AddParticipant(Dictionary<string, object> fields, LedgerState state, ushort participant) =>
        fields.Add("participant", LedgerText.ParticipantOf(state, participant));

    private static void AddCurrency(Dictionary<string, object> fields, ushort currency) => fields.Add("currency", LedgerText.CurrencyOf(currency));

    private static string FlagsOf(SessionFlags flags) => flags == SessionFlags.None ? "none"
        : string.Join(' ', Enum.GetValues<SessionFlags>().Where(flag => flag != SessionFlags.None && flags.HasFlag(flag)).Select(flag => SnakeCase.Of(flag.ToString())));

    private static string Text(ulong number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
