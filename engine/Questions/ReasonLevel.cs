namespace Settlement.Engine.Questions;

/// <summary>
/// How much of the reason an answer tells, by the clearance of who asks. Each level tells all that those below it tell.
/// </summary>
/// <remarks><code>
///   clearance  told                                             because
///   0 .. 63    yes, no or ask                                   a stranger, or a machine that probes: the answer itself is what the payment would show anyway
///   64 .. 127  whose law decides, and the source it cites;      a party: law is public, and an appeal needs to know to whom it goes and about what
///              or that it is not the law
///   128 .. 254 the statement, its version, what it compares     who answers for payments (a participant's compliance): thresholds, and what was seen of the
///              and what it saw                                  payer, whose data this is
///   255        every statement that has a say, and near misses  an authority: by how much a payment misses a threshold is what who splits payments wants to know
/// </code>
/// Invariant: below <see cref="Law"/> a refusal has the same words, field for field, whether a rule or something else (a level, an unknown currency) refuses,
/// as the ledger's own verdict <c>refused</c> does not say why.
/// </remarks>
internal static class ReasonLevel
{
    public const byte Law = 64;
    public const byte Statement = 128;
    public const byte All = 255;
}
