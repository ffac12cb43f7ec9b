using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: turns conditions into a residual program. A condition on anything but the amount becomes the set of bytes that
/// pass in one column; sets of a column that meet under one and/or merge, and so do thresholds of amounts; equal parts of different rules are computed once.
/// At the end amounts become ranks (<see cref="AmountLadder"/>).
/// Invariant: a node's operands have lower numbers than it, so numbers are an order of evaluation, and nothing here but the
/// walk over a condition (at most 32 deep) recurses.
/// </summary>
internal sealed class ResidualCompiler(RuleClassMaps classes)
{
    private enum NodeKind : byte
    {
        False,
        True,
        Bytes,

        /// <summary>The amount is above what table Left says for the currency.</summary>
        Steps,

        /// <summary>The amount is at least Amount, in any currency.</summary>
        Amount,
        Not,
        And,
        Or,
    }

    private readonly record struct Node(NodeKind Kind, RuleColumn Column, ByteSet Set, ulong Amount, int Left, int Right);

    private readonly record struct Root(int Node, RuleOp Op, ushort Rule);

    private const int False = 0;
    private const int True = 1;
    private readonly List<Node> _nodes = [new(NodeKind.False, 0, default, 0, 0, 0), new(NodeKind.True, 0, default, 0, 0, 0)];
    private readonly Dictionary<Node, int> _numbers = [];
    private readonly List<Root> _roots = [];
    private readonly Dictionary<int, int> _limitBits = [];
    private readonly List<ulong[]> _tables = []; // of the Steps nodes: by class of currencies

    /// <summary>A deny, a require or a review.</summary>
    public void Add(Rule rule)
    {
        int bites = rule.Kind == RuleKind.Require
            ? And([Compile(rule.Condition), Not(Compile(rule.Needs!))])
            : Compile(rule.Condition);
        AddRoot(bites, rule.IsReview ? RuleOp.Review : RuleOp.Deny, rule.Id);
    }

    /// <summary>Different conditions of limits so far.</summary>
    public int LimitBitCount => _limitBits.Count;

    /// <summary>The bit of the mask that is set where the limit's condition holds, whatever the currency; -1: it never does.</summary>
    public int LimitBit(Rule rule)
    {
        int node = Compile(rule.Condition);
        if (node == False)
            return -1;
        if (!_limitBits.TryGetValue(node, out int bit))
        {
            _limitBits.Add(node, bit = _limitBits.Count);
            AddRoot(node, RuleOp.Limit, (ushort)bit);
        }
        return bit;
    }

    private void AddRoot(int node, RuleOp op, ushort rule)
    {
        if (node != False)
            _roots.Add(new Root(node, op, rule));
    }

    private int Compile(Condition condition) => condition switch
    {
        FieldCondition field => Bytes(field.Field, value => RuleFields.Compare(value, field.Operator, field.Value)),
        ListCondition list => Bytes(list.Field, value => list.Values.BinarySearch(value) >= 0),
        AmountCondition amount => And([CurrencyIs(amount.Currency), Amount(amount.Operator, amount.Amount)]),
        NotCondition not => Not(Compile(not.Inner)),
        AllCondition all => And(CompileAll(all.Children)),
        AnyCondition any => Or(CompileAll(any.Children)),
        _ => True,
    };

    private int[] CompileAll(ReadOnlySpan<Condition> children)
    {
        int[] nodes = new int[children.Length];
        for (int i = 0; i < nodes.Length; i++)
            nodes[i] = Compile(children[i]);
        return nodes;
    }

    private int Bytes(RuleField field, Func<ushort, bool> passes) => field switch
    {
        RuleField.Source => Bytes(RuleColumn.SourceClass, classes.Source.Length, value => passes(classes.Source[value])),
        RuleField.Destination =>
            Bytes(RuleColumn.DestinationClass, classes.Destination.Length, value => passes(classes.Destination[value])),
        RuleField.Currency => Bytes(RuleColumn.CurrencyClass, classes.Currency.Length, value => passes(classes.Currency[value])),
        RuleField.Owner =>
            Bytes(RuleColumn.CurrencyClass, classes.Currency.Length, value => passes(classes.OwnerOf(classes.Currency[value]))),
        RuleField.Tier => Bytes(RuleColumn.Tier, 256, value => passes((ushort)value)),
        RuleField.Purpose => Bytes(RuleColumn.Purpose, 256, value => passes((ushort)value)),
        RuleField.Level => Bytes(RuleColumn.Level, 256, value => passes((ushort)value)),
        RuleField.Instruction => Bytes(RuleColumn.Instruction, 256, value => passes((ushort)value)),
        RuleField.PayerKind => Bytes(RuleColumn.PayerKind, 256, value => passes((ushort)value)),
        RuleField.PayeeKind => Bytes(RuleColumn.PayeeKind, 256, value => passes((ushort)value)),
        _ => throw new InvalidOperationException($"field {(byte)field} in a condition"),
    };

    /// <summary>Bytes from count on do not occur; they count as passing where all others do, so that "all" is seen as
    /// such.</summary>
    private int Bytes(RuleColumn column, int count, Func<int, bool> passes)
    {
        ByteSet set = default;
        bool all = true;
        for (int value = 0; value < count; value++)
            if (passes(value))
                set = set.With(value);
            else
                all = false;
        return Bytes(column, all ? ByteSet.All : set);
    }

    private int Bytes(RuleColumn column, ByteSet set) =>
        set == default ? False : set == ByteSet.All ? True : Number(new Node(NodeKind.Bytes, column, set, 0, 0, 0));

    private int CurrencyIs(ushort currency) => Bytes(RuleField.Currency, value => value == currency);

    private int Amount(RuleOperator op, ulong amount) => op switch
    {
        RuleOperator.AtLeast => AtLeast(amount),
        RuleOperator.Less => Not(AtLeast(amount)),
        RuleOperator.More => Above(amount),
        RuleOperator.AtMost => Not(Above(amount)),
        RuleOperator.Equal => And([AtLeast(amount), Not(Above(amount))]),
        _ => Or([Not(AtLeast(amount)), Above(amount)]),
    };

    /// <summary>Amounts are judged from 1 on.</summary>
    private int AtLeast(ulong amount) => amount <= 1 ? True : Above(amount - 1);

    private int Above(ulong amount)
    {
        ulong[] table = new ulong[classes.Currency.Length];
        Array.Fill(table, amount);
        return Steps(table);
    }

    private int Steps(ulong[] above)
    {
        if (!above.AsSpan().ContainsAnyExcept(0UL, AmountLadder.Never))
            return Bytes(RuleColumn.CurrencyClass, above.Length, value => above[value] == 0);
        int table = _tables.FindIndex(one => one.AsSpan().SequenceEqual(above));
        if (table < 0)
        {
            table = _tables.Count;
            _tables.Add(above);
        }
        return Number(new Node(NodeKind.Steps, 0, default, 0, table, 0));
    }

    private int Not(int node) => _nodes[node].Kind switch
    {
        NodeKind.False => True,
        NodeKind.True => False,
        NodeKind.Bytes => Bytes(_nodes[node].Column, ~_nodes[node].Set),
        NodeKind.Not => _nodes[node].Left,
        _ => Number(new Node(NodeKind.Not, 0, default, 0, node, 0)),
    };

    private int And(int[] nodes) =>
        Combine(nodes, NodeKind.And, neutral: True, absorbing: False, static (left, right) => left & right);

    private int Or(int[] nodes) =>
        Combine(nodes, NodeKind.Or, neutral: False, absorbing: True, static (left, right) => left | right);

    private int Combine(int[] nodes, NodeKind kind, int neutral, int absorbing, Func<ByteSet, ByteSet, ByteSet> merge)
    {
        ByteSet?[] sets = new ByteSet?[(int)RuleColumn.AmountRank + 1];
        List<int> operands = [];
        StepsMerge steps = new(kind == NodeKind.And);
        foreach (int node in nodes)
            if (_nodes[node].Kind == NodeKind.Steps)
                steps.Add(_tables[_nodes[node].Left]);
            else if (_nodes[node].Kind == NodeKind.Not && _nodes[_nodes[node].Left].Kind == NodeKind.Steps)
                steps.AddNegated(_tables[_nodes[_nodes[node].Left].Left]);
            else if (_nodes[node].Kind == NodeKind.Bytes)
            {
                ref ByteSet? set = ref sets[(int)_nodes[node].Column];
                set = set is { } before ? merge(before, _nodes[node].Set) : _nodes[node].Set;
            }
            else
            {
                operands.Add(node);
            }
        if (sets[(int)RuleColumn.CurrencyClass] is { } currencies && steps.TakesCurrencies(currencies))
            sets[(int)RuleColumn.CurrencyClass] = null;
        if (steps.Plain is { } plain)
            operands.Add(Steps(plain));
        if (steps.Negated is { } negated)
            operands.Add(Not(Steps(negated)));
        for (int column = 0; column < sets.Length; column++)
            if (sets[column] is { } set)
                operands.Add(Bytes((RuleColumn)column, set));
        // One order for all rules: equal beginnings are computed once.
        operands.Sort();
        int result = neutral;
        foreach (int operand in operands)
        {
            if (operand == absorbing)
                return absorbing;
            if (operand != neutral && operand != result)
                result = result == neutral ? operand : Number(new Node(kind, 0, default, 0, result, operand));
        }
        return result;
    }

    private int Number(Node node)
    {
        if (_numbers.TryGetValue(node, out int number))
            return number;
        number = _nodes.Count;
        _nodes.Add(node);
        _numbers.Add(node, number);
        return number;
    }

    /// <summary>The program, with amounts as ranks.</summary>
    public ResidualProgram Build()
    {
        int[] lastUse = LastUses();
        List<ulong[]> tables = [];
        for (int number = 0; number < _nodes.Count; number++)
            if (lastUse[number] >= 0 && _nodes[number].Kind == NodeKind.Steps)
                tables.Add(_tables[_nodes[number].Left]);
        if (tables.Count == 0)
            return Emit(null);
        var ladder = AmountLadder.Of(tables);
        return Ranked(ladder, lastUse).Emit(ladder);
    }

    /// <summary>The same conditions with comparisons of ranks in the place of amounts; without a ladder, of amounts as they are.</summary>
    private ResidualCompiler Ranked(AmountLadder? ladder, int[] lastUse)
    {
        ResidualCompiler ranked = new(classes);
        int[] at = new int[_nodes.Count];
        at[True] = True;
        for (int number = True + 1; number < _nodes.Count; number++)
        {
            Node node = _nodes[number];
            if (lastUse[number] >= 0)
                at[number] = node.Kind switch
                {
                    NodeKind.Bytes => ranked.Bytes(node.Column, node.Set),
                    NodeKind.Steps => ladder is null ? ranked.WithoutLadder(_tables[node.Left]) : ranked.OnLadder(ladder, _tables[node.Left]),
                    NodeKind.Not => ranked.Not(at[node.Left]),
                    NodeKind.And => ranked.And([at[node.Left], at[node.Right]]),
                    _ => ranked.Or([at[node.Left], at[node.Right]]),
                };
        }
        foreach (Root root in _roots)
            ranked.AddRoot(at[root.Node], root.Op, root.Rule);
        return ranked;
    }

    private int OnLadder(AmountLadder ladder, ulong[] above)
    {
        if (ladder.RankOf(above) is { } everywhere)
            return RankAtLeast(everywhere);
        return ByClass(above, (currency, amount) => amount == 0 ? 0UL : (ulong)ladder.RankOf(currency, amount), rank => RankAtLeast((int)rank));
    }

    private int WithoutLadder(ulong[] above) => ByClass(
        above, static (_, amount) => amount, amount => amount == 0 ? True : Number(new Node(NodeKind.Amount, 0, default, amount + 1, 0, 0)));

    /// <summary>Classes of currencies that have the same key share a comparison.</summary>
    private int ByClass(ulong[] above, Func<int, ulong, ulong> keyOf, Func<ulong, int> compare)
    {
        SortedDictionary<ulong, ByteSet> sets = [];
        for (int currency = 0; currency < above.Length; currency++)
            if (above[currency] != AmountLadder.Never && keyOf(currency, above[currency]) is var key)
                sets[key] = sets.GetValueOrDefault(key).With(currency);
        List<int> any = [];
        foreach ((ulong key, ByteSet set) in sets)
            any.Add(And([Bytes(RuleColumn.CurrencyClass, classes.Currency.Length, set.Contains), compare(key)]));
        return Or([.. any]);
    }

    private int RankAtLeast(int rank)
    {
        ByteSet set = default;
        for (int value = rank; value < 256; value++)
            set = set.With(value);
        return Bytes(RuleColumn.AmountRank, set);
    }

    /// <summary>Every node in use once, in order, each result in a register that is free from its last use on.</summary>
    private ResidualProgram Emit(AmountLadder? ladder)
    {
        int[] lastUse = LastUses();
        _roots.Sort(static (left, right) => left.Node != right.Node ? left.Node.CompareTo(right.Node) :
            left.Op != right.Op ? left.Op.CompareTo(right.Op) : left.Rule.CompareTo(right.Rule));
        List<RuleInstruction> instructions = [];
        List<NibbleSet> sets = [];
        Dictionary<ByteSet, int> setNumbers = [];
        Stack<int> free = [];
        int[] registers = new int[_nodes.Count];
        int registerCount = 0;
        int root = 0;
        for (int number = 0; number < _nodes.Count; number++)
        {
            if (lastUse[number] < 0)
                continue;
            Node node = _nodes[number];
            // An operand's register may be the target: each word is read before it is written.
            Release(node, number, lastUse, registers, free);
            int target = registers[number] = free.Count > 0 ? free.Pop() : registerCount++;
            instructions.Add(Instruction(node, target, registers, sets, setNumbers));
            for (; root < _roots.Count && _roots[root].Node == number; root++)
                instructions.Add(new RuleInstruction(_roots[root].Op, 0, 0, 0, _roots[root].Rule, target, 0, 0, 0, 0));
            if (lastUse[number] == number)
                free.Push(target);
        }
        return new ResidualProgram([.. instructions], [.. sets], registerCount, ladder);
    }

    /// <summary>The highest number that reads each node; itself for one that only roots read, -1 for one without use.</summary>
    private int[] LastUses()
    {
        int[] lastUse = new int[_nodes.Count];
        Array.Fill(lastUse, -1);
        foreach (Root root in _roots)
            lastUse[root.Node] = Math.Max(lastUse[root.Node], root.Node);
        for (int number = _nodes.Count - 1; number >= 0; number--)
        {
            if (lastUse[number] < 0)
                continue;
            Node node = _nodes[number];
            if (node.Kind >= NodeKind.Not)
                lastUse[node.Left] = Math.Max(lastUse[node.Left], number);
            if (node.Kind >= NodeKind.And)
                lastUse[node.Right] = Math.Max(lastUse[node.Right], number);
        }
        return lastUse;
    }

    private static void Release(Node node, int number, int[] lastUse, int[] registers, Stack<int> free)
    {
        if (node.Kind >= NodeKind.Not && lastUse[node.Left] == number)
            free.Push(registers[node.Left]);
        if (node.Kind >= NodeKind.And && lastUse[node.Right] == number)
            free.Push(registers[node.Right]);
    }

    private static RuleInstruction Instruction(
        Node node, int target, int[] registers, List<NibbleSet> sets, Dictionary<ByteSet, int> setNumbers)
    {
        switch (node.Kind)
        {
            case NodeKind.Bytes when node.Set.IsRange(out byte low, out byte high):
                return new RuleInstruction(RuleOp.InRange, node.Column, low, (byte)(high - low), 0, target, 0, 0, 0, 0);
            case NodeKind.Bytes:
                if (!setNumbers.TryGetValue(node.Set, out int set))
                {
                    setNumbers.Add(node.Set, set = sets.Count);
                    sets.Add(node.Set.ToNibbles());
                }
                return new RuleInstruction(RuleOp.InSet, node.Column, 0, 0, 0, target, 0, 0, set, 0);
            case NodeKind.Amount:
                return new RuleInstruction(RuleOp.AmountAtLeast, 0, 0, 0, 0, target, 0, 0, 0, node.Amount);
            case NodeKind.Not:
                return new RuleInstruction(RuleOp.Not, 0, 0, 0, 0, target, registers[node.Left], 0, 0, 0);
            case NodeKind.And:
            case NodeKind.Or:
                RuleOp op = node.Kind == NodeKind.And ? RuleOp.And : RuleOp.Or;
                return new RuleInstruction(op, 0, 0, 0, 0, target, registers[node.Left], registers[node.Right], 0, 0);
            default:
                return new RuleInstruction(RuleOp.Always, 0, 0, 0, 0, target, 0, 0, 0, 0);
        }
    }

    /// <summary>
    /// What meets under one and/or about amount and currency: thresholds, their negations, a set of currencies. Under "and" the higher threshold counts, under "or"
    /// the lower; of negations it is the other way round, for not a and not b is not (a or b).
    /// </summary>
    private struct StepsMerge(bool isAnd)
    {
        public ulong[]? Plain { get; private set; }

        public ulong[]? Negated { get; private set; }

        public void Add(ulong[] above) => Plain = Merged(Plain, above, higher: isAnd);

        public void AddNegated(ulong[] above) => Negated = Merged(Negated, above, higher: !isAnd);

        /// <summary>Makes a set of currencies part of a threshold, if there is one.</summary>
        public readonly bool TakesCurrencies(ByteSet currencies)
        {
            if (Plain is { } plain)
                Overlay(plain, currencies, isAnd, isAnd ? AmountLadder.Never : 0);
            else if (Negated is { } negated)
                Overlay(negated, currencies, isAnd, isAnd ? 0 : AmountLadder.Never);
            return Plain is not null || Negated is not null;
        }

        /// <summary>Under "and" what is outside the set is decided by it, under "or" what is inside.</summary>
        private static void Overlay(ulong[] above, ByteSet currencies, bool outside, ulong value)
        {
            for (int currency = 0; currency < above.Length; currency++)
                if (currencies.Contains(currency) != outside)
                    above[currency] = value;
        }

        private static ulong[] Merged(ulong[]? one, ulong[] other, bool higher)
        {
            ulong[] merged = [.. other];
            for (int currency = 0; one is not null && currency < merged.Length; currency++)
                merged[currency] = higher ? Math.Max(one[currency], merged[currency]) : Math.Min(one[currency], merged[currency]);
            return merged;
        }
    }
}
