using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Governance;

/// <summary>Something to be built: a plan for a rule set and a day, or the check of a text among the laws in force.</summary>
/// <param name="Laws">The rule set; for a check those in force.</param>
/// <param name="Day">For a plan.</param>
/// <param name="Proposed">For a check; null: a plan is wanted.</param>
/// <param name="IsToAttest">The node shall journal what the plan came to.</param>
public sealed record LawOrder(LawInputs Laws, int Day, LawText? Proposed, bool IsToAttest);

/// <summary>
/// Makes plans and checks, ahead of time or when asked. The answer is a function of the order; a builder decides only when and on which thread it is made.
/// </summary>
public interface IPlanBuilder : IDisposable
{
    /// <summary>What will be asked for, the most urgent first; takes the place of what was foreseen before. Must not wait.</summary>
    void Foresee(IReadOnlyList<LawOrder> orders);

    /// <summary>The check, waiting for it if need be. Settle thread.</summary>
    LawCheck TakeCheck(LawInputs inForce, LawText proposed);

    /// <summary>The plan, waiting for it if need be. Settle thread.</summary>
    LawBuild TakePlan(LawInputs laws, int day);
}

/// <summary>Builds on the thread that asks, when it asks, and keeps the newest builds: for replays, what-ifs and tests.</summary>
public sealed class PlanBuilderOnCall(ILawCompiler compiler) : IPlanBuilder
{
    private readonly BuiltLaws _built = new();

    public void Foresee(IReadOnlyList<LawOrder> orders)
    {
    }

    public LawCheck TakeCheck(LawInputs inForce, LawText proposed)
    {
        if (_built.FindCheck(inForce, proposed) is { } known)
            return known;
        LawCheck check = compiler.Check(inForce, proposed);
        _built.Keep(inForce, proposed, check);
        return check;
    }

    public LawBuild TakePlan(LawInputs laws, int day)
    {
        if (_built.FindPlan(laws, day) is { } known)
            return known;
        LawBuild build = compiler.Build(laws, day);
        _built.Keep(laws, day, build);
        return build;
    }

    public void Dispose()
    {
    }
}

/// <summary>The newest checks and plans, by the hashes of what they were made of. One thread at a time.</summary>
internal sealed class BuiltLaws
{
    private readonly List<(Digest Laws, Digest Text, string Name, LawCheck Check)> _checks = [];
    private readonly List<(Digest Laws, int Day, LawBuild Build)> _plans = [];

    public LawCheck? FindCheck(LawInputs inForce, LawText proposed)
    {
        foreach ((Digest laws, Digest text, string name, LawCheck check) in _checks)
            if (laws == inForce.Hash && text == proposed.Hash && string.Equals(name, proposed.Name, StringComparison.Ordinal))
                return check;
        return null;
    }

    public LawBuild? FindPlan(LawInputs laws, int day)
    {
        foreach ((Digest hash, int builtDay, LawBuild build) in _plans)
            if (hash == laws.Hash && build.Serves(builtDay, day))
                return build;
        return null;
    }

    public void Keep(LawInputs inForce, LawText proposed, LawCheck check)
    {
        if (_checks.Count == GovernanceBounds.BuildsKeptMax)
            _checks.RemoveAt(0);
        _checks.Add((inForce.Hash, proposed.Hash, proposed.Name, check));
    }

    public void Keep(LawInputs laws, int day, LawBuild build)
    {
        if (_plans.Count == GovernanceBounds.BuildsKeptMax)
            _plans.RemoveAt(0);
        _plans.Add((laws.Hash, day, build));
    }
}

/// <summary>
/// Builds on a thread of its own, what is foreseen in its order, and what the settle thread waits for before all else.
/// </summary>
/// <remarks>
/// Invariant: a plan is handed to the settle thread and never touched by this one again.
/// Failure assumed: the compiler throws, which it never should. The exception goes to whoever takes, and to <c>failed</c>: the engine stops.
/// </remarks>
public sealed class PlanBuilder : IPlanBuilder
{
    private readonly ILawCompiler _compiler;
    private readonly Action<Exception> _failed;
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _wanted = new();
    private readonly ManualResetEventSlim _done = new();
    private readonly Thread _thread;

    // All below: under the lock.
    private readonly BuiltLaws _known = new();
    private readonly List<LawOrder> _foreseen = [];
    private LawOrder? _urgent;
    private LawOrder? _current;
    private Exception? _fault;
    private bool _stopping;
    private Action<LawOrder, LawBuild>? _built;

    /// <param name="compiler">Makes them.</param>
    /// <param name="built">Told each plan that is to be attested, on the builder's thread; must not wait for the settle thread. Null: nobody attests here.</param>
    /// <param name="failed">Told that it cannot go on.</param>
    public PlanBuilder(ILawCompiler compiler, Action<LawOrder, LawBuild>? built, Action<Exception> failed)
    {
        (_compiler, _built, _failed) = (compiler, built, failed);
        _thread = new Thread(Run) { Name = "plans", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Whether nothing is being built and nothing foreseen.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
                return _current is null && _urgent is null && (_foreseen.Count == 0 || _fault is not null);
        }
    }

    /// <summary>Who attests from now on: what was foreseen before is foreseen anew after it, so that he is told all of it.</summary>
    public void TellBuilt(Action<LawOrder, LawBuild>? built)
    {
        lock (_lock)
            _built = built;
    }

    public void Foresee(IReadOnlyList<LawOrder> orders)
    {
        lock (_lock)
        {
            _foreseen.Clear();
            _foreseen.AddRange(orders);
            _wanted.Set();
        }
    }

    public LawCheck TakeCheck(LawInputs inForce, LawText proposed)
    {
        LawCheck? check = null;
        Take(new LawOrder(inForce, 0, proposed, false), () => (check = _known.FindCheck(inForce, proposed)) is not null);
        return check!;
    }

    public LawBuild TakePlan(LawInputs laws, int day)
    {
        LawBuild? build = null;
        Take(new LawOrder(laws, day, null, false), () => (build = _known.FindPlan(laws, day)) is not null);
        return build!;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_stopping)
                return;
            _stopping = true;
            _wanted.Set();
            _done.Set();
        }

        _thread.Join();
        _wanted.Dispose();
        _done.Dispose();
    }

    /// <param name="order">What is wanted.</param>
    /// <param name="isThere">Asked under the lock.</param>
    private void Take(LawOrder order, Func<bool> isThere)
    {
        while (true)
        {
            lock (_lock)
            {
                if (isThere())
                {
                    _urgent = null;
                    return;
                }

                if (_fault is not null)
                    throw new LedgerBrokenException($"a rule plan could not be built: {_fault.Message}");
                if (_stopping)
                    throw new Ring.AlertException();
                _urgent = order;
                _done.Reset();
                _wanted.Set();
            }

            _done.Wait();
        }
    }

    private void Run()
    {
        while (NextOrder() is { } order)
        {
            LawBuild? build = null;
            try
            {
                LawCheck? check = null;
                if (order.Proposed is not null)
                    check = _compiler.Check(order.Laws, order.Proposed);
                else
                    build = _compiler.Build(order.Laws, order.Day);
                lock (_lock)
                {
                    if (check is not null)
                        _known.Keep(order.Laws, order.Proposed!, check);
                    else
                        _known.Keep(order.Laws, order.Day, build!);
                    Finish();
                }
            }
            catch (Exception fault)
            {
                lock (_lock)
                {
                    _fault = fault;
                    Finish();
                }

                _failed(fault);
                return;
            }
        }
    }

    private void Finish()
    {
        _current = null;
        _done.Set();
    }

    /// <summary>The next order that is not there yet; those that are, and are to be attested, are told on the way.</summary>
    private LawOrder? NextOrder()
    {
        while (true)
        {
            (LawOrder Order, LawBuild Build, Action<LawOrder, LawBuild> Built)? told = null;
            lock (_lock)
            {
                if (_stopping)
                    return null;
                if (_urgent is not null && !IsThere(_urgent))
                    return _current = _urgent;
                _urgent = null;
                if (_foreseen.Count == 0)
                {
                    _wanted.Reset();
                }
                else
                {
                    LawOrder first = _foreseen[0];
                    if (!IsThere(first))
                        return _current = first;
                    _foreseen.RemoveAt(0);
                    if (first.IsToAttest && _built is not null)
                        told = (_current = first, _known.FindPlan(first.Laws, first.Day)!, _built);
                }
            }

            if (told is { } what)
                Tell(what.Order, what.Build, what.Built);
            else
                _wanted.Wait();
        }
    }

    private void Tell(LawOrder order, LawBuild build, Action<LawOrder, LawBuild> built)
    {
        built(order, build);
        lock (_lock)
            _current = null;
    }

    private bool IsThere(LawOrder order) => order.Proposed is null
        ? _known.FindPlan(order.Laws, order.Day) is not null
        : _known.FindCheck(order.Laws, order.Proposed) is not null;
}
