namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: what a set of rules cannot tell apart shares a class. Starts as one class of all members 0..size-1; each list
/// that a rule names splits the classes that lie partly inside it.
/// Invariant: after <see cref="Split"/> every class lies wholly inside or wholly outside of every list so far. Class numbers
/// depend on the order of the splits alone.
/// </summary>
internal sealed class Partition(int size)
{
    private readonly int[] _of = new int[size];
    private readonly List<int> _sizes = [size];
    private readonly List<int> _hits = [0];
    private readonly List<int> _target = [0];

    public int Count => _sizes.Count;

    public int this[int member] => _of[member];

    /// <param name="members">Distinct, each below the size.</param>
    public void Split(ReadOnlySpan<int> members)
    {
        foreach (int member in members)
            _hits[_of[member]]++;
        foreach (int member in members)
            Move(member);
        for (int i = 0; i < _hits.Count; i++)
            (_hits[i], _target[i]) = (0, 0);
    }

    private void Move(int member)
    {
        int old = _of[member];
        if (_target[old] == 0)
        {
            // A class hit in full stays as it is; a class made in this split is not hit again, for its hits are 0 = stay.
            if (_hits[old] == _sizes[old])
                return;
            _target[old] = _sizes.Count;
            _sizes.Add(0);
            _hits.Add(0);
            _target.Add(0);
        }
        int target = _target[old];
        _sizes[old]--;
        _hits[old]--;
        _sizes[target]++;
        _of[member] = target;
    }

    /// <summary>The lowest member of each class.</summary>
    public int[] Representatives()
    {
        int[] lowest = new int[Count];
        Array.Fill(lowest, -1);
        for (int member = 0; member < _of.Length; member++)
            if (lowest[_of[member]] < 0)
                lowest[_of[member]] = member;
        return lowest;
    }

    /// <summary>The members of each class, ascending.</summary>
    public int[][] Members()
    {
        List<int>[] members = new List<int>[Count];
        for (int i = 0; i < members.Length; i++)
            members[i] = [];
        for (int member = 0; member < _of.Length; member++)
            members[_of[member]].Add(member);
        return Array.ConvertAll(members, static list => list.ToArray());
    }

    public byte[] ToBytes() => Array.ConvertAll(_of, static number => checked((byte)number));
}
