using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Tests.Dedup;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>What a journal says that was decided: its blocks, applied once more.</summary>
internal sealed class JournalReplay : IDisposable
{
    public delegate void Decided(in Payment payment, Verdict verdict);

    private readonly JournalReader _reader;
    private readonly MemoryIdStore _ids = new();
    private readonly BlockReplay _replay;

    public JournalReplay(string journal)
    {
        _reader = JournalReader.Open(journal);
        _replay = new BlockReplay(genesis => new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, _ids));
    }

    /// <summary>Tells every payment with a stream id, in the journal's order, with its verdict.</summary>
    public void Run(Decided decided)
    {
        while (_reader.Next())
        {
            _replay.Apply(in _reader.Header, _reader.Body);
            ReadOnlySpan<Payment> slots = MemoryMarshal.Cast<byte, Payment>(_reader.Body);
            ReadOnlySpan<Outcome> outcomes = _replay.Outcomes;
            for (int i = 0; i < outcomes.Length && _reader.Header.Kind == BlockKind.Payments; i++)
            {
                if (slots[i].HasStreamId)
                    decided(in slots[i], outcomes[i].Verdict);
            }
        }

        Assert.That(_reader.End!.Kind, Is.Not.EqualTo(JournalEndKind.Damage));
        _replay.State.VerifyConservation();
    }

    /// <summary>The naive twin behind the journal's last block.</summary>
    public static NaiveEngine TellTwin(string journal)
    {
        using JournalReader reader = JournalReader.Open(journal);
        NaiveEngine? twin = null;
        while (reader.Next())
        {
            if (reader.Header.Kind == BlockKind.Genesis)
                twin = new NaiveEngine(MemoryMarshal.Read<Genesis>(reader.Body), new TableRules());
            bool hasSlots = reader.Header.Kind is BlockKind.Payments or BlockKind.Control;
            twin!.Apply(in reader.Header, hasSlots ? MemoryMarshal.Cast<byte, Payment>(reader.Body)[..(int)reader.Header.Count] : default);
        }

        return twin!;
    }

    public void Dispose()
    {
        _replay.Dispose();
        _ids.Dispose();
        _reader.Dispose();
    }
}
