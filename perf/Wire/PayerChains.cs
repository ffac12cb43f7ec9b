using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Perf.Wire;

/// <summary>
/// A chain for each of many payers, of one length, with every link that will be revealed made in advance. All chains are walked from their seeds down side by side, one in each lane of
/// a vector; kept is each link of a number that <c>step</c> divides: 32 bytes a chain and reveal.
/// </summary>
internal sealed class PayerChains
{
    private readonly byte[] _links; // row by row: all chains' links 0, then those of number step, then of twice that …
    private readonly int _chains;
    private readonly int _step;

    /// <param name="chains">How many.</param>
    /// <param name="step">Payments of a chain between two links that are revealed.</param>
    /// <param name="reveals">Links that will be revealed of each.</param>
    public PayerChains(int chains, int step, int reveals)
    {
        (_chains, _step, Length) = (chains, step, (uint)(step * reveals));
        _links = new byte[checked((reveals + 1) * chains * EvidenceEntry.LinkBytes)];
        var walks = new ChainWalk[chains];
        foreach (ref ChainWalk walk in walks.AsSpan())
            walk.Link = Digest.From(RandomNumberGenerator.GetBytes(EvidenceEntry.LinkBytes));
        for (int reveal = reveals; ; reveal--)
        {
            for (int chain = 0; chain < chains; chain++)
                ((ReadOnlySpan<byte>)walks[chain].Link).CopyTo(Of(chain, reveal).Span);
            if (reveal == 0)
                return;
            foreach (ref ChainWalk walk in walks.AsSpan())
                walk.Steps = step;
            Sha256Chains.Walk(walks);
        }
    }

    /// <summary>Links of each chain.</summary>
    public uint Length { get; }

    /// <summary>What a chain's commitment names.</summary>
    public Digest End(int chain) => Digest.From(Of(chain, 0).Span);

    /// <param name="index">Of the payment in its frame.</param>
    /// <param name="chain">Which.</param>
    /// <param name="number">Of the payment in its stream; a multiple of the step.</param>
    public PaymentEvidence Evidence(int index, int chain, ulong number) =>
        new(index, EvidenceKind.Link, SignatureScheme.None, 0, Of(chain, (int)(number / (ulong)_step)));

    private Memory<byte> Of(int chain, int reveal) => _links.AsMemory(((reveal * _chains) + chain) * EvidenceEntry.LinkBytes, EvidenceEntry.LinkBytes);
}
