using System.Globalization;
using System.Numerics;
using System.Text;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>What the solver said to a question: a payment, that there is none, or nothing.</summary>
/// <param name="Found">A payment for which all that was asked holds; null: there is none, or it is not known.</param>
/// <param name="IsProven">False: the solver ran out of time or memory, or did not come back.</param>
internal readonly record struct SolverAnswer(ModelCase? Found, bool IsProven)
{
    public static SolverAnswer NotProven => new(null, false);

    public static SolverAnswer None => new(null, true);

    /// <summary>Proven: there is no such payment.</summary>
    public bool IsNone => IsProven && Found is null;
}

/// <summary>
/// Asks the solver for payments, as SMT-LIB text: classes of fields as small bit vectors, the amount and what was paid in each window as integers with ranges. All questions
/// about one model go to one context: each term is defined and each assumption named once, and what the solver learns from one question it has for the next.
/// </summary>
internal sealed class ModelSolver : IDisposable
{
    private readonly LawModel _model;
    private readonly SolverBudget _budget;
    private readonly SolverThread _thread;
    private readonly StringBuilder _text = new();
    private readonly HashSet<int> _defined = [];
    private readonly HashSet<int> _assumable = [];
    private readonly int _numberCount;
    private readonly string[] _asked; // what a payment is read back from

    public ModelSolver(Z3Library library, LawModel model, SolverBudget budget) : this(new SolverThread(library), model, budget, pairs: false)
    {
    }

    /// <summary>
    /// Of payments in pairs: the second is the first with a larger amount, by a payer who had paid as much before. Its numbers stand behind the first's.
    /// </summary>
    public static ModelSolver Pairs(Z3Library library, LawModel model, SolverBudget budget) => new(new SolverThread(library), model, budget, pairs: true);

    internal ModelSolver(SolverThread thread, LawModel model, SolverBudget budget, bool pairs)
    {
        (_thread, _model, _budget) = (thread, model, budget);
        List<string> asked = [];
        for (int field = 0; field < ModelCase.FieldCount; field++)
        {
            int count = model.Fields.Counts[field];
            if (count == 1)
                continue;
            _text.Append(CultureInfo.InvariantCulture, $"(declare-const f{field} (_ BitVec {Bits(count)}))\n");
            if (!BitOperations.IsPow2(count))
                _text.Append(CultureInfo.InvariantCulture, $"(assert (bvult f{field} {Vector(count, Bits(count))}))\n");
            asked.Add($"f{field}");
        }
        for (int number = 0; number < model.NumberCount; number++)
        {
            _text.Append(CultureInfo.InvariantCulture, $"(declare-const n{number} Int)\n(assert (<= {(number == 0 ? "1" : "n0")} n{number}))\n(assert (<= n{number} {ulong.MaxValue}))\n");
            asked.Add($"n{number}");
        }
        _numberCount = model.NumberCount * (pairs ? 2 : 1);
        if (pairs)
        {
            _text.Append("(declare-const more Int)\n(assert (<= 1 more))\n");
            for (int number = model.NumberCount; number < _numberCount; number++)
            {
                _text.Append(CultureInfo.InvariantCulture, $"(declare-const n{number} Int)\n(assert (= n{number} (+ n{number - model.NumberCount} more)))\n(assert (<= n{number} {ulong.MaxValue}))\n");
                asked.Add($"n{number}");
            }
        }
        _asked = [.. asked];
    }

    /// <summary>Questions asked so far.</summary>
    public int Questions { get; private set; }

    /// <summary>Questions that found no answer in their time.</summary>
    public int NotProven { get; private set; }

    public SolverBudget Budget => _budget;

    /// <summary>A payment for which all of some terms hold.</summary>
    public SolverAnswer Find(params IReadOnlyList<Term> all)
    {
        if (all.Any(term => term.Kind == TermKind.False))
            return SolverAnswer.None;
        TimeSpan limit = _budget.Next;
        Questions++;
        if (limit < TimeSpan.FromMilliseconds(1) || _thread.IsLost)
            return Unanswered();
        foreach (Term term in all)
            Assume(term);
        _text.Append(CultureInfo.InvariantCulture, $"(set-option :timeout {(int)limit.TotalMilliseconds})\n(check-sat-assuming (");
        _text.AppendJoin(' ', all.Select(term => $"a{term.Id}")).Append("))\n");
        string? answer = Send(limit)?.Trim();
        return answer switch
        {
            "sat" => Send($"(get-value ({string.Join(' ', _asked)}))", limit) is { } values && TryRead(values, out ModelCase? found) ? new SolverAnswer(found, true) : Unanswered(),
            "unsat" => SolverAnswer.None,
            _ => Unanswered(),
        };
    }

    public void Dispose() => _thread.Dispose();

    private SolverAnswer Unanswered()
    {
        NotProven++;
        return SolverAnswer.NotProven;
    }

    private string? Send(TimeSpan limit) => Send("", limit);

    private string? Send(string commands, TimeSpan limit)
    {
        string text = _text.Append(commands).ToString();
        _text.Clear();
        return _thread.Run(text, limit);
    }

    /// <summary>Gives a term a name that it can be assumed under.</summary>
    private void Assume(Term root)
    {
        if (!_assumable.Add(root.Id))
            return;
        foreach (Term term in TermBank.Cone([root], _defined))
            Define(term);
        _text.Append(CultureInfo.InvariantCulture, $"(declare-const a{root.Id} Bool)\n(assert (=> a{root.Id} t{root.Id}))\n");
    }

    /// <remarks>A constant and what it is equal to. A `define-fun` would do, too, but the solver writes out every one of them, unfolded, whenever it is asked for values.</remarks>
    private void Define(Term term)
    {
        _text.Append(CultureInfo.InvariantCulture, $"(declare-const t{term.Id} Bool)\n(assert (= t{term.Id} ");
        switch (term.Kind)
        {
            case TermKind.False or TermKind.True:
                _text.Append(term.Kind == TermKind.True ? "true" : "false");
                break;
            case TermKind.In:
                DefineIn(term);
                break;
            case TermKind.AtLeast:
                _text.Append(CultureInfo.InvariantCulture, $"(>= n{term.Subject} {term.Bound})");
                break;
            default:
                _text.Append(term.Kind == TermKind.Not ? "(not" : term.Kind == TermKind.All ? "(and" : "(or");
                foreach (Term child in term.Children)
                    _text.Append(CultureInfo.InvariantCulture, $" t{child.Id}");
                _text.Append(')');
                break;
        }
        _text.Append("))\n");
    }

    /// <summary>The classes or the others, whichever are fewer.</summary>
    private void DefineIn(Term term)
    {
        int count = _model.Fields.Counts[term.Subject];
        int[] classes = [.. Enumerable.Range(0, count).Where(term.Has)];
        bool others = classes.Length > count / 2;
        if (others)
            classes = [.. Enumerable.Range(0, count).Except(classes)];
        _text.Append(others ? "(not (or" : "(or");
        foreach (int one in classes)
            _text.Append(CultureInfo.InvariantCulture, $" (= f{term.Subject} {Vector(one, Bits(count))})");
        _text.Append(others ? "))" : ")");
    }

    /// <summary>Reads <c>((f0 #b01) (n0 12))</c>.</summary>
    private bool TryRead(string values, out ModelCase? found)
    {
        found = null;
        string[] words = values.Split(['(', ')', ' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 2 * _asked.Length)
            return false;
        int[] classes = new int[ModelCase.FieldCount];
        ulong[] numbers = new ulong[_numberCount];
        for (int at = 0; at < words.Length; at += 2)
        {
            int subject = int.Parse(words[at].AsSpan(1), CultureInfo.InvariantCulture);
            string value = words[at + 1];
            if (words[at][0] == 'n')
            {
                if (!ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out numbers[subject]))
                    return false;
            }
            else if (value.StartsWith("#b", StringComparison.Ordinal))
                classes[subject] = Convert.ToInt32(value[2..], 2);
            else if (value.StartsWith("#x", StringComparison.Ordinal))
                classes[subject] = Convert.ToInt32(value[2..], 16);
            else
                return false;
        }
        found = new ModelCase(classes, numbers);
        return true;
    }

    private static int Bits(int count) => BitOperations.Log2((uint)(count - 1)) + 1;

    private static string Vector(int value, int bits) => "#b" + Convert.ToString(value, 2).PadLeft(bits, '0');
}
