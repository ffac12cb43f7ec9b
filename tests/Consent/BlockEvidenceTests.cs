using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Tests.Dedup;
using Settlement.Tests.Live;

namespace Settlement.Tests.Consent;

/// <summary>An attachment that no node would write stops the engine and names the block; it never crashes it.</summary>
[TestFixture]
public sealed class BlockEvidenceTests
{
    private static byte[] Entry(EvidenceKind kind, SignatureScheme scheme, uint index, ulong key, int length, int given)
    {
        var bytes = new byte[EvidenceEntry.Size + given];
        MemoryMarshal.Write(bytes, new EvidenceEntry { Kind = kind, Scheme = scheme, Index = index, Key = key, Length = (ushort)length });
        return bytes;
    }

    private static byte[] Signature(uint index) => Entry(EvidenceKind.Signature, SignatureScheme.P256, index, 1, 64, 64);

    private static byte[] Link(uint index) => Entry(EvidenceKind.Link, SignatureScheme.None, index, 0, 32, 32);

    private static IEnumerable<TestCaseData> Broken()
    {
        byte[] padded = Entry(EvidenceKind.Signature, SignatureScheme.MlDsa65, 0, 1, 3_309, 3_312);
        padded[^1] = 1;
        yield return new TestCaseData(Signature(0)[..^1]).SetArgDisplayNames("cut in its bytes");
        yield return new TestCaseData(Signature(0)[..15]).SetArgDisplayNames("cut in its head");
        yield return new TestCaseData((byte[])[.. Signature(0), 0]).SetArgDisplayNames("a byte too many");
        yield return new TestCaseData(Signature(2)).SetArgDisplayNames("behind the last payment");
        yield return new TestCaseData((byte[])[.. Signature(1), .. Signature(0)]).SetArgDisplayNames("descending");
        yield return new TestCaseData(Entry(EvidenceKind.None, SignatureScheme.P256, 0, 1, 64, 64)).SetArgDisplayNames("of no kind");
        yield return new TestCaseData(Entry((EvidenceKind)3, SignatureScheme.P256, 0, 1, 64, 64)).SetArgDisplayNames("of an unknown kind");
        yield return new TestCaseData(Entry(EvidenceKind.Signature, SignatureScheme.None, 0, 1, 0, 0)).SetArgDisplayNames("of no scheme");
        yield return new TestCaseData(Entry(EvidenceKind.Signature, SignatureScheme.P256, 0, 0, 64, 64)).SetArgDisplayNames("of no key");
        yield return new TestCaseData(Entry(EvidenceKind.Signature, SignatureScheme.P256, 0, 1, 63, 64)).SetArgDisplayNames("a short signature");
        yield return new TestCaseData(Entry(EvidenceKind.Link, SignatureScheme.None, 0, 0, 24, 24)).SetArgDisplayNames("a short link");
        yield return new TestCaseData(Entry(EvidenceKind.Link, SignatureScheme.P256, 0, 0, 32, 32)).SetArgDisplayNames("a link with a scheme");
        yield return new TestCaseData(padded).SetArgDisplayNames("padding that is not zero");
    }

    [TestCaseSource(nameof(Broken))]
    public void An_attachment_that_is_no_row_of_entries_is_a_broken_ledger(byte[] attachment) =>
        Assert.That(() => Apply(BlockKind.Payments, attachment), Throws.InstanceOf<LedgerBrokenException>().With.Message.Contains("block 1"));

    [Test]
    public void Evidence_belongs_to_payments_alone() =>
        Assert.That(() => Apply(BlockKind.Control, Signature(0)), Throws.InstanceOf<LedgerBrokenException>().With.Message.Contains("block 1"));

    [Test]
    public void Evidence_that_nobody_asked_for_changes_nothing() =>
        Assert.That(Apply(BlockKind.Payments, [.. Link(0), .. Signature(0), .. Signature(1), .. Link(1)]), Is.EqualTo(Apply(BlockKind.Payments, [])));

    [Test]
    public void A_body_that_is_not_slots_and_attachment_is_a_broken_ledger()
    {
        Genesis genesis = LiveLedger.SmallGenesis();
        using var replay = new BlockReplay(capacities => new Deduplicator(in capacities, Deduplicator.IdMemoryBytesMin, new MemoryIdStore()));
        var head = new BlockHeader { Kind = BlockKind.Genesis, FirstSequence = 1, TimeNs = LiveLedger.StartNs };
        replay.Apply(in head, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)));
        var header = new BlockHeader { Kind = BlockKind.Payments, Number = 1, FirstSequence = 1, Count = 1, TimeNs = LiveLedger.StartNs, AttachmentBytes = 80 };
        var body = new byte[Payment.Size + 79];
        Assert.That(() => replay.Apply(in header, body), Throws.InstanceOf<LedgerBrokenException>());
    }

    private static Outcome[] Apply(BlockKind kind, byte[] attachment)
    {
        Genesis genesis = LiveLedger.SmallGenesis();
        using var store = new MemoryIdStore();
        using var state = new LedgerState(in genesis, new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, store));
        var settler = new Settler(state);
        Payment[] slots = [LiveLedger.Pay(1, 2, 3, 77, 1), LiveLedger.Pay(1, 2, 3, 77, 2)];
        var header = new BlockHeader { Kind = kind, Number = 1, FirstSequence = 1, Count = 2, TimeNs = LiveLedger.StartNs, AttachmentBytes = (uint)attachment.Length };
        var outcomes = new Outcome[2];
        settler.Apply(in header, slots, attachment, outcomes);
        return outcomes;
    }
}
