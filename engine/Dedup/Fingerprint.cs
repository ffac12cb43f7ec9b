using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Dedup;

/// <summary>
/// 32 bits that stand for a payment's body: equal bodies have equal ones, different bodies differ but for once in 2^32.
/// </summary>
/// <remarks>
/// Purpose: tells a repeat from a second use of the same id, without keeping 64 bytes a payment. The session field is left
/// out, so that a client may repeat over another session. A hash of our own (<see cref="WordHash"/>), since a general one
/// costs three times as much on 64 bytes: `perf dedup` prints XxHash3 beside it.
/// <para>
/// Failure assumed: who crafts two bodies with one fingerprint is told "duplicate" where "conflict" were right, on an id of
/// his own: the first payment stands either way.
/// </para>
/// </remarks>
public static class Fingerprint
{
    /// <summary>All of the last word but the session, which is its two highest bytes.</summary>
    private const ulong SessionCleared = 0x0000_FFFF_FFFF_FFFF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(in Payment payment) =>
        WordHash.Of(ref Unsafe.As<Payment, ulong>(ref Unsafe.AsRef(in payment)), SessionCleared);
}
