using System.Security.Cryptography;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Tests.Live;

/// <summary>A node with a key: every seal that it writes is signed, and without its key it does not open.</summary>
public sealed class SignedSealTests
{
    private TemporaryFolder _place = null!;
    private LiveLedger _ledger = null!;

    private string Journal => _place.PathOf("journal");

    [SetUp]
    public void Open()
    {
        _place = new TemporaryFolder();
        _ledger = new LiveLedger(Journal, new HandClock(LiveLedger.StartNs), key: LiveLedger.NewKey());
    }

    [TearDown]
    public void Close()
    {
        _ledger.Dispose();
        _place.Dispose();
    }

    [Test]
    public void Every_seal_is_signed_whether_it_was_written_before_or_after_a_restart()
    {
        _ledger.SetUp(wallets: 4);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 3)]);
        _ledger.Node.Pipeline.Drain();
        for (ulong number = 1; number <= 40; number++)
        {
            _ledger.Submit([LiveLedger.Pay(1 + (number % 3), 4, number, stream: 5, number)]);
            if (number == 20)
                _ledger.Reopen(); // where it is: batches may be closed and not sealed, and payments not journaled
        }

        _ledger.Node.Pipeline.Drain();
        NodeKey key = LiveLedger.PublicOf(_ledger.Key!.Value);
        _ledger.Close();
        _ledger.ReplayAndCompare(out List<ClosedBatch> closed, out _).Dispose();
        Assert.That(SealsOf(Journal, out Genesis genesis), Is.EqualTo(closed.Select(batch => batch.Number)).And.Count.GreaterThanOrEqualTo(6));
        Assert.That(genesis.NodeKey, Is.EqualTo(key));
    }

    [Test]
    public void A_batch_that_was_closed_and_not_sealed_is_signed_when_the_journal_is_opened()
    {
        _ledger.SetUp(wallets: 2);
        _ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 2)]);
        _ledger.Submit([LiveLedger.Pay(1, 2, 5, stream: 1, number: 1), LiveLedger.Pay(1, 2, 5, stream: 1, number: 2)]);
        _ledger.Node.Pipeline.Drain();
        _ledger.Close();
        string unsealed = _place.PathOf("unsealed");
        Tests.Journal.JournalCopy.Make(Journal, unsealed, (ref BlockHeader header, ref byte[] _) => header.Kind != BlockKind.Seal);
        Assert.That(SealsOf(unsealed, out _), Is.Empty);
        using (var opened = new LiveLedger(unsealed, _ledger.Clock, key: _ledger.Key))
            opened.Node.Pipeline.Drain();
        Assert.That(SealsOf(unsealed, out _), Is.EqualTo(new[] { 1UL }));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Without_its_key_a_ledger_is_not_opened_and_not_changed(bool otherKey)
    {
        _ledger.SetUp(wallets: 2);
        _ledger.Close();
        ECParameters? right = _ledger.Key;
        string[] before = Contents();
        _ledger.Key = otherKey ? LiveLedger.NewKey() : null;
        Assert.That(_ledger.Reopen, Throws.TypeOf<JournalException>().With.Message.Contain(LiveLedger.PublicOf(right!.Value).Id.ToString()));
        Assert.That(Contents(), Is.EqualTo(before));
        _ledger.Key = right;
        _ledger.Reopen();
        Assert.That(_ledger.Node.State.Sequence, Is.GreaterThan(2));
    }

    [Test]
    public void A_ledger_is_not_created_under_a_key_whose_private_half_is_not_there()
    {
        Genesis genesis = LiveLedger.SmallGenesis() with { NodeKey = LiveLedger.PublicOf(LiveLedger.NewKey()) };
        string place = _place.PathOf("other");
        Assert.That(
            () => Settlement.Engine.Node.Open(place, new Settlement.Engine.NodeOptions { Create = (8, genesis) }, _ledger, _ledger),
            Throws.TypeOf<JournalException>().With.Message.Contain(genesis.NodeKey.Id.ToString()));
        Assert.That(Directory.Exists(place), Is.False);
    }

    private string[] Contents() =>
        [.. Directory.GetFiles(Journal, "journal.*").Order(StringComparer.Ordinal).Select(file => file + Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))))];

    /// <summary>Numbers of the batches that are sealed, each of them under the ledger's key.</summary>
    private static List<ulong> SealsOf(string journal, out Genesis genesis)
    {
        using JournalReader reader = JournalReader.Open(journal);
        Assert.That(reader.Next());
        genesis = System.Runtime.InteropServices.MemoryMarshal.Read<Genesis>(reader.Body);
        using var verifier = new SealVerifier(reader.LedgerId, in genesis);
        var numbers = new List<ulong>();
        while (reader.Next())
        {
            if (reader.Header.Kind != BlockKind.Seal)
                continue;
            int statement = reader.Body.Length - (int)reader.Header.AttachmentBytes;
            var batch = ClosedBatch.Decode(reader.Body[..statement]);
            Assert.That(verifier.FaultOf(batch, reader.Body[statement..]), Is.Null);
            numbers.Add(batch.Number);
        }

        return numbers;
    }
}
