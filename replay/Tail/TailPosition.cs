using Settlement.Engine.Domain;

namespace Settlement.Replay.Tail;

/// <summary>How far a projection has come: stored together with its rows, so that they say the same.</summary>
/// <param name="LedgerId">The ledger that it is about.</param>
/// <param name="Sequence">The last sequence that is in it; 0: none yet.</param>
/// <param name="Block">The last block that is in it.</param>
/// <param name="Address">Log address of that block.</param>
/// <param name="Chain">SHA-256 of that block: the same number and another hash is another history.</param>
/// <param name="TimeNs">Time of that block, ns since the Unix epoch.</param>
internal readonly record struct TailPosition(UInt128 LedgerId, ulong Sequence, ulong Block, long Address, Digest Chain, ulong TimeNs);
