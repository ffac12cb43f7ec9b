namespace Settlement.Replay.Export.Iso;

/// <summary>One line of a statement, in whole ISO units.</summary>
internal struct IsoEntry
{
    /// <summary>The movement; of a sum the last one of it.</summary>
    public Movement Movement;

    /// <summary>Whole ISO units.</summary>
    public Int128 Units;

    /// <summary>What the movements come to, in the smallest unit of the ledger.</summary>
    public Int128 Exact;

    public ulong ValueNs;

    /// <summary>How many movements a sum has; 0: this is a movement of its own.</summary>
    public int Summed;

    public bool IsCredit;
}

/// <summary>
/// An account's movements as entries in whole ISO units. Invariant: the units of the opening balance (rounded down), and the entries that
/// follow, credits less debits, are at every batch's end the units of the account's balance there (rounded down).
/// </summary>
/// <remarks>
/// A movement of whole units is an entry. Movements with a part below a unit are summed per batch, credits and debits apart: what the credits leave
/// over stays in the account and counts with its next ones; a debit that needs more than is left over takes a whole unit for it. So each sum's
/// entry differs from the exact sum by less than a unit, and a sum that does not come to a unit is no entry.
/// </remarks>
internal sealed class AccountFold
{
    private readonly IsoCurrency _currency;
    private readonly Func<uint, ulong?> _closedNs;
    private readonly ulong _endNs;
    private uint _batch;
    private Sum _credits;
    private Sum _debits;

    /// <param name="currency">The account's.</param>
    /// <param name="opening">Its balance in front of the first movement, in the smallest unit.</param>
    /// <param name="closedNs">When a batch closed, by the low half of its number; null: it has not.</param>
    /// <param name="endNs">Time of the range's end: the earliest at which a batch that is open there can close.</param>
    public AccountFold(IsoCurrency currency, Int128 opening, Func<uint, ulong?> closedNs, ulong endNs)
    {
        (_currency, _closedNs, _endNs) = (currency, closedNs, endNs);
        Exact = opening;
        Remainder = opening - (currency.Floor(opening) * currency.Unit);
    }

    /// <summary>The balance behind the movements taken, in the smallest unit.</summary>
    public Int128 Exact { get; private set; }

    /// <summary>What of it is below a unit and in no entry so far: 0 to a unit less one.</summary>
    public Int128 Remainder { get; private set; }

    /// <summary>Movements that were summed.</summary>
    public long SummedCount { get; private set; }

    /// <summary>Takes the next movement, behind <see cref="Flush"/> where it is of another batch.</summary>
    public void Take(in Movement movement, List<IsoEntry> entries)
    {
        if (movement.Batch != _batch)
            Flush(entries);
        _batch = movement.Batch;
        Exact += movement.IsCredit ? (Int128)movement.Amount : -(Int128)movement.Amount;
        ulong valueNs = movement.IsCredit && movement.Has(MovementMarks.Pends) ? _closedNs(movement.Batch) ?? _endNs : movement.TimeNs;
        if (movement.Amount % _currency.Unit == 0)
        {
            entries.Add(new IsoEntry
            {
                Movement = movement,
                Units = (Int128)(movement.Amount / _currency.Unit),
                Exact = (Int128)movement.Amount,
                ValueNs = valueNs,
                IsCredit = movement.IsCredit,
            });
        }
        else if (movement.IsCredit)
        {
            _credits.Add(in movement, valueNs);
        }
        else
        {
            _debits.Add(in movement, valueNs);
        }
    }

    /// <summary>Ends a batch: what was summed becomes entries.</summary>
    public void Flush(List<IsoEntry> entries)
    {
        if (_credits.Count + _debits.Count == 0)
            return;
        Int128 unit = _currency.Unit;
        Int128 credited = Remainder + _credits.Exact;
        Int128 creditUnits = credited / unit;
        Int128 left = credited % unit;
        Int128 debitUnits = _debits.Exact > left ? (_debits.Exact - left + unit - 1) / unit : 0;
        Remainder = left - _debits.Exact + (debitUnits * unit);
        _credits.EndInto(entries, creditUnits, isCredit: true);
        _debits.EndInto(entries, debitUnits, isCredit: false);
        SummedCount += _credits.Count + _debits.Count;
        (_credits, _debits) = (default, default);
    }

    private struct Sum
    {
        public Int128 Exact;
        public int Count;
        private Movement _last;
        private ulong _valueNs;

        public void Add(in Movement movement, ulong valueNs)
        {
            Exact += (Int128)movement.Amount;
            Count++;
            _last = movement;
            _valueNs = Math.Max(_valueNs, valueNs);
        }

        public readonly void EndInto(List<IsoEntry> entries, Int128 units, bool isCredit)
        {
            if (units > 0)
                entries.Add(new IsoEntry { Movement = _last, Units = units, Exact = Exact, ValueNs = _valueNs, Summed = Count, IsCredit = isCredit });
        }
    }
}
