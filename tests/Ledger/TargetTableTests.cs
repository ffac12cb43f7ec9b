using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Tests.Ledger;

/// <summary>The table of holds and refundable payments against a dictionary and a sorted walk.</summary>
[TestFixture]
public sealed class TargetTableTests
{
    [Test]
    public void It_finds_expires_and_folds_like_a_dictionary()
    {
        Random random = PrintedSeed.Create();
        using var table = new TargetTable(64);
        var twin = new Dictionary<(ushort, UInt128), TargetRecord>();
        ulong sequence = 0;
        for (int step = 0; step < 20_000; step++)
        {
            ushort participant = (ushort)random.Next(3);
            UInt128 id = (UInt128)random.Next(60);
            int found = table.Find(participant, id);
            Assert.That(found != 0, Is.EqualTo(twin.ContainsKey((participant, id))), $"step {step}");
            switch (random.Next(4))
            {
                case 0 or 1 when found == 0 && !table.IsFull:
                    var record = new TargetRecord
                    {
                        IdLow = (ulong)id, Participant = participant, Remaining = (ulong)random.Next(1, 1_000), Sequence = ++sequence,
                        ExpiryNs = random.Next(3) == 0 ? 0 : (ulong)random.Next(1, 500), Kind = TargetKind.Hold,
                    };
                    table.Add(in record);
                    twin.Add((participant, id), record);
                    break;
                case 2 when found != 0:
                    table.Remove(found);
                    twin.Remove((participant, id));
                    break;
                case 3 when found != 0:
                    table.Reduce(found, 1);
                    twin[(participant, id)] = twin[(participant, id)] with { Remaining = twin[(participant, id)].Remaining - 1 };
                    Assert.That(table[found].Remaining, Is.EqualTo(twin[(participant, id)].Remaining));
                    break;
            }

            ExpectFirstToExpire(table, twin, (ulong)random.Next(600));
            Assert.That(table.Count, Is.EqualTo(twin.Count));
        }

        ExpectFoldOfContentsAlone(table, twin);
    }

    private static void ExpectFirstToExpire(TargetTable table, Dictionary<(ushort, UInt128), TargetRecord> twin, ulong timeNs)
    {
        TargetRecord first = twin.Values.Where(record => record.ExpiryNs != 0 && record.ExpiryNs < timeNs)
            .OrderBy(record => record.ExpiryNs).ThenBy(record => record.Sequence).FirstOrDefault();
        int found = table.NextExpired(timeNs);
        Assert.That(found == 0 ? 0 : table[found].Sequence, Is.EqualTo(first.Sequence));
    }

    /// <summary>Whatever was added and taken away before, the same contents give the same fold.</summary>
    private static void ExpectFoldOfContentsAlone(TargetTable table, Dictionary<(ushort, UInt128), TargetRecord> twin)
    {
        using var fresh = new TargetTable(64);
        Assert.That(table.Fold, Is.Not.EqualTo(fresh.Fold));
        foreach (TargetRecord record in twin.Values)
            fresh.Add(in record);
        Assert.That(table.Fold, Is.EqualTo(fresh.Fold));
    }
}
