using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Gateway.Init;
using Settlement.Gateway.Settle;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve;

/// <summary>
/// The key of the operator's first session: made and journaled when a ledger is served for the first time. <c>keys/operator.pem</c> is the private half: whoever
/// holds it acts as the operator. It may be taken from the machine, and other keys may be registered in its place.
/// </summary>
/// <remarks>Invariant: only a ledger whose first session never had a key gets one this way, so that a file put into the folder gives nobody a right.</remarks>
internal static class OperatorKey
{
    public const string PrivateName = "operator.pem";
    public const string PublicName = "operator.pub";

    /// <summary>Makes and journals the key where there never was one.</summary>
    /// <param name="hadKey">Whether the ledger's first session has, or had, a key.</param>
    /// <param name="folder">Of keys.</param>
    /// <param name="ingress">Takes the command.</param>
    /// <returns>Its name; null: the session had keys before.</returns>
    /// <exception cref="UsageException">What is there cannot be used.</exception>
    public static async Task<KeyId?> RegisterFirstAsync(bool hadKey, string folder, IngressAdapter ingress)
    {
        if (hadKey)
            return null;
        NodeKey key = OpenOrMake(folder);
        var registration = new KeyRegistration(KeyRole.Session, Limits.OperatorSession, SignatureScheme.P256, key.Spki(), []);
        Payment[] slots = IngressAdapter.SlotsOf(
            new ControlCommand { Instruction = Instruction.RegisterKey, Session = Limits.OperatorSession }, registration.Encode());
        SlotOutcomes journaled = await ingress.SubmitAsync(slots, areCommands: true, CancellationToken.None).ConfigureAwait(false);
        if (journaled.Outcomes[0].Verdict != Verdict.Accepted)
            throw new UsageException($"The operator's key in '{folder}' could not be registered: {journaled.Outcomes[0].Verdict}.");
        return key.Id;
    }

    public static bool WasRegistered(LedgerState state) => state.Consent.HadSessionKey(Limits.OperatorSession);

    private static NodeKey OpenOrMake(string folder)
    {
        Directory.CreateDirectory(folder);
        var file = new PrivateKeyFile(Path.Combine(folder, PrivateName), "the operator's", "--data DIR");
        if (!file.Exists)
            file.TryMake();
        NodeKey key = file.Open(pair =>
        {
            NodeKey found = NodeKey.Of(pair);
            pair.Dispose();
            return found;
        });
        PrivateKeyFile.WritePublic(Path.Combine(folder, PublicName), key.ToPem());
        return key;
    }
}
