using System.Reflection;
using System.Runtime.InteropServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Simulation;

/// <summary>A fault put into the node under simulation on purpose, to see that the simulation finds it.</summary>
internal enum Mutant
{
    None,

    /// <summary>Writes to the log are taken for durable when the disk has only heard of them.</summary>
    SkipFlush,

    /// <summary>A verdict leaves before its block is on disk.</summary>
    AcknowledgeBeforeFlush,

    /// <summary>Recovery forgets which ids were decided.</summary>
    ForgetIdsOnRecovery,

    /// <summary>A batch closes one payment later than its setting says.</summary>
    CutOffOffByOne,

    // Of several replicas.

    /// <summary>A verdict leaves when its block is on the leader's disk alone.</summary>
    AcknowledgeBeforeQuorum,

    /// <summary>A follower applies what it was sent, committed or not.</summary>
    ApplyUncommitted,

    /// <summary>A follower that has other blocks than the leader keeps them, and says that it has the leader's.</summary>
    SkipSuffixCut,

    /// <summary>A replica that restarts does not know for whom it voted.</summary>
    ForgetVote,

    /// <summary>A follower answers before what it was sent is on its disk.</summary>
    AnswerBeforeFlush,
}

internal static class Mutation
{
    /// <summary>How many seeds are enough to catch it; the suite holds the simulation to it.</summary>
    public static int SeedsMax(this Mutant mutant) => mutant switch
    {
        Mutant.None => 0,
        Mutant.AnswerBeforeFlush => 600,
        Mutant.ForgetVote => 1_200,
        _ => 100,
    };

    /// <summary>Of the runs in which it is looked for. Of three, a follower's block is on a quorum: it is committed, known or not.</summary>
    public static int Replicas(this Mutant mutant) => mutant switch
    {
        < Mutant.AcknowledgeBeforeQuorum => 1,
        Mutant.ApplyUncommitted => 5,
        _ => 3,
    };

    /// <summary>What a node whose cut-off is off by one would understand of these slots.</summary>
    public static Payment[] WithLaterCutOff(ReadOnlySpan<Payment> slots)
    {
        Payment[] changed = slots.ToArray();
        foreach (ref ControlCommand command in MemoryMarshal.Cast<Payment, ControlCommand>(changed.AsSpan()))
        {
            if (command.Instruction == Instruction.SetSetting && command.Subject == (ulong)SettingKey.BatchCount && command.Value != 0)
                command.Value++;
        }

        return changed;
    }

    /// <summary>Nothing was ever decided, as far as these ids know. By reflection, so that the engine has no such door.</summary>
    public static void ForgetAll(Deduplicator ids, in Genesis genesis, IIdStore store)
    {
        using var empty = new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, store);
        foreach (string name in (string[])["_streams", "_ids"])
        {
            FieldInfo field = typeof(Deduplicator).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)
                ?? throw new InvalidOperationException($"the deduplicator has no field {name}");
            object? forgotten = field.GetValue(ids);
            field.SetValue(ids, field.GetValue(empty));
            field.SetValue(empty, forgotten);
        }
    }
}
