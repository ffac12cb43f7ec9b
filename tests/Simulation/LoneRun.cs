using System.Globalization;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>
/// One run of a node alone: clients, operators, clock and disk, all of one seed.
/// </summary>
/// <remarks>
/// What must hold: crash faults are survived, with all that was told; after a disk's lie or damage the node may refuse to open, in a sentence, and may never go on
/// with anything else than what was told.
/// </remarks>
internal sealed class LoneRun : IDisposable
{
    private const ulong StartNs = 1_768_473_000 * Limits.NsPerSecond; // 2026-01-15 10:30 UTC

    private readonly string _folder;
    private readonly string _archive;
    private readonly TraceHash _trace;
    private readonly RunFigures _figures;
    private readonly SimulatedFault[] _faults;
    private readonly SeededRandom _random; // of the run: time, what happens between claims
    private readonly SeededRandom _power; // of what power cuts leave
    private readonly Workload _workload;
    private readonly Witness _witness = new();
    private readonly SimulatedDisk _disk;
    private readonly LoneReplica _replica;
    private readonly int _steps;
    private readonly bool _cuts;
    private ulong _nowNs = StartNs;
    private long _clockErrorNs;

    public LoneRun(string folder, SimulationPlan plan, TraceHash trace, RunFigures figures, Mutant mutant)
    {
        _folder = Path.Combine(folder, "replica");
        _archive = Path.Combine(folder, "archive");
        (_trace, _figures, _faults, _steps) = (trace, figures, plan.Faults, plan.Steps);
        _random = new SeededRandom(plan.SeedOf("run"));
        _power = new SeededRandom(plan.SeedOf("power"));
        _workload = new Workload(new SeededRandom(plan.SeedOf("workload")), plan.IsBulky);
        _cuts = plan.CutsJournal;
        Directory.CreateDirectory(_folder);
        Directory.CreateDirectory(_archive);
        _disk = new SimulatedDisk(_folder) { IsFlushSkipped = mutant == Mutant.SkipFlush };
        _replica = new LoneReplica(_folder, _archive, _disk, mutant) { Published = Publish };
    }

    private ulong ClockNs => (ulong)((long)_nowNs + _clockErrorNs);

    /// <returns>Whether the node refused to open, as it may after damage.</returns>
    public bool Run()
    {
        _replica.Create(ClockNs);
        foreach (Claim claim in _workload.Cast())
            Send(claim);
        for (int step = 0; step < _steps; step++)
        {
            PassTime();
            foreach (SimulatedFault fault in _faults)
            {
                if (fault.Step == step && !Begin(fault))
                    return true;
            }

            if (!Act())
                return true;
        }

        return !Finish();
    }

    private void PassTime()
    {
        ulong step = _random.Below(100) switch
        {
            < 40 => _random.Below(20_000_000UL),
            < 80 => _random.Below(20 * Limits.NsPerSecond),
            < 97 => _random.Below(300 * Limits.NsPerSecond),
            _ => _random.Below(2 * Limits.NsPerHour),
        };
        _nowNs += step;
        _figures.SimulatedNs += step;
    }

    /// <returns>False: the node has refused.</returns>
    private bool Act()
    {
        int roll = _random.Below(100);
        try
        {
            _replica.TickIfDue(ClockNs);
            if (roll < 30 || _replica.UnsealedCount > 6)
                _replica.Seal();
            if (roll == 31)
                TakeSnapshot(_cuts && _random.OneIn(2));
            if (ClockNs > _replica.LastTimeNs + Limits.TimeStepMaxNs && _random.OneIn(3))
                Send(new Claim([Scenarios.AcceptTime]));
            Send(_workload.Next(ClockNs));
        }
        catch (JournalFailedException)
        {
            return Recover("disk failed");
        }

        return !_disk.IsDead || Recover("power");
    }

    private void Send(Claim claim)
    {
        Outcome[]? outcomes = null;
        ulong firstSequence;
        try
        {
            outcomes = _replica.Submit(claim, ClockNs, out firstSequence);
        }
        catch (JournalFailedException)
        {
            _workload.NotAnswered(claim);
            throw;
        }

        // Durable, and then the machine went: the answer may have left before.
        bool isTold = outcomes is not null && (!_disk.IsDead || _power.OneIn(2));
        _figures.Payments += claim.Slots.Length;
        Trace("claim", firstSequence, (ulong)claim.Slots.Length, isTold ? 1UL : 0);
        if (!isTold)
        {
            _workload.NotAnswered(claim);
            return;
        }

        _trace.Add<Outcome>(outcomes);
        _witness.Tell(firstSequence, claim.Slots, outcomes, claim.IsControl);
        _workload.Answered(claim, outcomes);
    }

    private void Publish(ClosedBatch batch)
    {
        Trace("batch", batch.Number, batch.Count, batch.LastSequence);
        _trace.Add<byte>(batch.Encode());
        _witness.TellBatch(batch);
        _figures.Batches++;
    }

    private void TakeSnapshot(bool cut)
    {
        SnapshotTaken? taken;
        try
        {
            taken = _replica.TakeSnapshot(cut);
        }
        catch (Exception refused) when (_disk.IsDamaged && refused is JournalException or SnapshotException or LedgerBrokenException)
        {
            Trace("no snapshot");
            return;
        }

        _figures.Snapshots++;
        Trace("snapshot", taken?.Head.Block ?? 0, (ulong)(taken?.Cut?.Files ?? 0));
    }

    private bool Begin(SimulatedFault fault)
    {
        Trace("fault", (ulong)fault.Kind, (ulong)fault.Number);
        var random = new SeededRandom(fault.Seed);
        switch (fault.Kind)
        {
            case FaultKind.PowerCut:
                _disk.Struck.Add(fault);
                _disk.CutPower();
                return Recover("power");
            case FaultKind.Restart:
                _disk.Struck.Add(fault);
                return Recover("restart");
            case FaultKind.SnapshotCutShort:
                _disk.Struck.Add(fault);
                CutSnapshotShort(random);
                return Recover("snapshot cut short");
            case FaultKind.ClockForward:
                _disk.Struck.Add(fault);
                _clockErrorNs += (long)random.Below(random.OneIn(2) ? 2 * Limits.NsPerHour : 600 * Limits.NsPerSecond);
                return true;
            case FaultKind.ClockBack:
                _disk.Struck.Add(fault);
                _clockErrorNs -= (long)random.Below(random.OneIn(2) ? 2 * Limits.NsPerHour : 600 * Limits.NsPerSecond);
                return true;
            case FaultKind.Pause:
                _disk.Struck.Add(fault);
                ulong pause = random.Below(90 * 60 * Limits.NsPerSecond);
                _nowNs += pause;
                _figures.SimulatedNs += pause;
                return true;
            case FaultKind.FlippedBit or FaultKind.FlippedSector:
                _replica.Close();
                Trace(_disk.Damage(fault) is { } what ? "damage " + what : "nothing to damage");
                return Recover("damage");
            default:
                _disk.Arm(fault);
                return true;
        }
    }

    private void CutSnapshotShort(SeededRandom random)
    {
        try
        {
            Trace("snapshot left", (ulong)SnapshotCrash.Leave(_folder, () => _replica.TakeSnapshot(cut: false), random));
        }
        catch (Exception refused) when (_disk.IsDamaged && refused is JournalException or SnapshotException or LedgerBrokenException)
        {
            Trace("no snapshot");
        }
    }

    /// <returns>False: the node has refused to open, as it may after damage.</returns>
    private bool Recover(string why)
    {
        for (int tries = 0; ; tries++)
        {
            int struck = _disk.Struck.Count;
            _replica.Close();
            if (_disk.IsDead)
                _figures.Crashes++;
            _disk.PowerUp(_power);
            try
            {
                RecoveryReport report = _replica.Open();
                if (!_disk.IsDead)
                {
                    Trace("open after " + why, report.LastBlock, report.Sequences, report.Cut is null ? 0UL : 1, report.Repaired is null ? 0UL : 1);
                    return true;
                }
            }
            catch (Exception refused) when (refused is JournalException or LedgerBrokenException or SnapshotException or IOException)
            {
                if (_disk.Struck.Count > struck || _disk.IsDead)
                    continue; // it struck the opening: once more
                if (!_disk.IsDamaged)
                    throw new BrokenPromiseException($"after {why} the node does not open: {refused.Message}", refused);
                Trace("refused: " + refused.GetType().Name);
                return false;
            }

            if (tries > 50)
                throw new BrokenPromiseException($"after {why} the node does not come up");
        }
    }

    private bool Finish()
    {
        for (int tries = 0; tries < 200 && (_workload.Unanswered > 0 || tries == 0); tries++)
        {
            _nowNs += Limits.NsPerSecond;
            if (!Act())
                return false;
        }

        if (!Recover("the end"))
            return false;
        Digest live = _replica.Replay.State.Batch.StateHashNow();
        _figures.Blocks += (long)_replica.LastBlock;
        _replica.Close();
        (Digest State, Digest Last) audit;
        try
        {
            audit = _witness.Audit(_folder, _archive, Workload.NewRules());
        }
        catch (Exception refused) when (_disk.IsDamaged && refused is JournalException or LedgerBrokenException)
        {
            Trace("refused by the audit");
            return false;
        }

        if (audit.State != live)
            throw new BrokenPromiseException($"the node's state hash is {live}, the journal gives {audit.State}");
        Trace(string.Create(CultureInfo.InvariantCulture, $"end {audit.State} {audit.Last} {_witness.Answers} answers"));
        return true;
    }

    private void Trace(string what, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0) =>
        _trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_nowNs - StartNs} {what} {a} {b} {c} {d}"));

    /// <summary>Faults that came to pass.</summary>
    public int Struck => _disk.Struck.Count;

    public void Dispose() => _replica.Dispose();
}
