using System.Runtime.InteropServices;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: which rules decide in a cell, shared between the cells where the same ones do. A state is the list of rules
/// pushed so far; a state and an effect lead to one next state, so cells that saw the same effects hold the same number.
/// Invariant: equal states are one state, so equal rows are shared; rules are pushed in ascending id, and only where they are
/// tighter than every one before (<see cref="CorridorRow"/> says why that loses nothing); so a state's tops are its
/// tightest ceilings. State 0: no rule.
/// </summary>
/// <param name="measures">What is compared with a ceiling: amounts, or the sums of several windows.</param>
internal sealed class Staircases(int measures)
{
    private const int Tiers = TierCeilings.Count;
    private readonly List<int> _parents = [0];
    private readonly List<ushort> _rules = [0];
    private readonly List<int> _lastChild = [0];
    private readonly List<int> _siblingBefore = [0];
    private readonly List<ulong> _tops = [.. Enumerable.Repeat(TierCeilings.None, measures * Tiers)];

    // Next states of the effect being applied, valid where the stamp is its number: no clearing between effects.
    private int[] _next = new int[64];
    private int[] _stamps = new int[64];
    private int _effect;

    public int Count => _parents.Count;

    /// <summary>Whether <see cref="RuleBounds.StatesMax"/> was met; states are then no longer right.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>Starts a new effect: what one rule does to a cell.</summary>
    public void Begin() => _effect++;

    /// <summary>The state after the current effect.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="rule">Not below any rule pushed before.</param>
    /// <param name="firstMeasure">The effect's ceilings count for the measures from here …</param>
    /// <param name="measureCount">… this many.</param>
    /// <param name="ceilings">A tier each.</param>
    public int Next(int state, ushort rule, int firstMeasure, int measureCount, in TierCeilings ceilings) =>
        state < _next.Length && _stamps[state] == _effect ? _next[state]
            : Push(state, rule, firstMeasure, measureCount, ceilings);

    private int Push(int state, ushort rule, int firstMeasure, int measureCount, in TierCeilings ceilings)
    {
        int first = (state * measures + firstMeasure) * Tiers;
        bool tighter = false;
        for (int i = 0; i < measureCount * Tiers; i++)
            tighter |= ceilings[i % Tiers] < _tops[first + i];
        int next = state;
        if (tighter && !TryAppend(state, rule, firstMeasure, measureCount, ceilings, out next))
            return state;
        Remember(state, next);
        return next;
    }

    private bool TryAppend(int state, ushort rule, int firstMeasure, int measureCount, in TierCeilings ceilings, out int next)
    {
        next = _parents.Count;
        if (next == RuleBounds.StatesMax)
        {
            Overflowed = true;
            return false;
        }
        int width = measures * Tiers;
        for (int i = 0; i < width; i++)
            _tops.Add(_tops[state * width + i]);
        Span<ulong> tops = CollectionsMarshal.AsSpan(_tops);
        Span<ulong> added = tops[^width..];
        for (int i = 0; i < measureCount * Tiers; i++)
            added[firstMeasure * Tiers + i] = Math.Min(added[firstMeasure * Tiers + i], ceilings[i % Tiers]);
        // Another effect of the same rule may have led to the very same ceilings: then that is the state.
        for (int sibling = _lastChild[state]; sibling != 0 && _rules[sibling] == rule; sibling = _siblingBefore[sibling])
            if (tops.Slice(sibling * width, width).SequenceEqual(added))
            {
                _tops.RemoveRange(next * width, width);
                next = sibling;
                return true;
            }
        _parents.Add(state);
        _rules.Add(rule);
        _siblingBefore.Add(_lastChild[state]);
        _lastChild.Add(0);
        _lastChild[state] = next;
        return true;
    }

    private void Remember(int state, int next)
    {
        if (state >= _next.Length)
        {
            int length = Math.Max(_next.Length * 2, state + 1);
            Array.Resize(ref _next, length);
            Array.Resize(ref _stamps, length);
        }
        (_next[state], _stamps[state]) = (next, _effect);
    }

    public ulong Top(int state, int measure, int tier) => _tops[(state * measures + measure) * Tiers + tier];

    /// <summary>Appends a tier's steps: ids ascend, ceilings descend.</summary>
    public void AppendSteps(int state, int measure, int tier, List<Step> steps)
    {
        int first = steps.Count;
        for (; state != 0; state = _parents[state])
        {
            ulong ceiling = Top(state, measure, tier);
            if (ceiling != Top(_parents[state], measure, tier))
                steps.Add(new Step(ceiling, _rules[state]));
        }
        steps.Reverse(first, steps.Count - first);
    }
}
