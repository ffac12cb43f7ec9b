using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>Why the ledger refused a command of governance: one sentence, with what to do.</summary>
internal static class RefusalText
{
    public static string NameOf(Verdict verdict) => VerdictText.NameOf(verdict);

    /// <param name="verdict">What the ledger answered.</param>
    /// <param name="special">What it means for this very command; null: what it means for all.</param>
    /// <exception cref="LawRefusedException">It is a refusal.</exception>
    public static void Check(Verdict verdict, string? special)
    {
        if (verdict is not (Verdict.Accepted or Verdict.Duplicate))
            throw new LawRefusedException(special ?? Common(verdict));
    }

    private static string Common(Verdict verdict) => verdict switch
    {
        Verdict.NotAuthorised => "The operator's session of this node may not send this command: an instruction level was raised above its clearance.",
        Verdict.CapacityExceeded => $"The ledger has no room for one more of these ({nameof(GovernanceBounds)} has the bounds): end proposals that are open, and try again.",
        Verdict.BadSignature => "The signature does not verify under the device's registered key: use the device's own key file.",
        Verdict.DeviceRevoked => "The device was revoked, and votes no more: use another of the module's devices.",
        Verdict.InvalidValue => "The ledger cannot take a value of this command: see --help for what is expected.",
        _ => $"The ledger refused the command: {NameOf(verdict)}.",
    };
}
