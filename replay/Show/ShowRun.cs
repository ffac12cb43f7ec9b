using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>One walk that shows what is asked for, block by block, as it is read: memory does not grow with the journal.</summary>
internal sealed class ShowRun(ShowOptions options, IShowOutput output, PointRange range)
{
    public const string CleanEnd = "clean";
    public const string TornTailEnd = "torn_tail";
    public const string DamageEnd = "damage";
    public const string PointEnd = "point";
    public const string LimitEnd = "limit";

    private readonly TargetParties _parties = new();
    private long _shown;
    private bool _isBlockShown;

    private bool IsFull => _shown >= options.Limit;

    /// <returns>The exit code.</returns>
    /// <param name="progress">Told how far it is; null: nobody.</param>
    /// <param name="flush">Called behind every block.</param>
    public int Run(WalkProgress? progress, Action flush)
    {
        // A wallet's captures and refunds name their targets alone, which may stand anywhere before: then the walk begins at genesis.
        ulong from = options.Wallet is null ? range.First : 0;
        using JournalWalk walk = JournalWalk.Open(options.Journal, new WalkOptions { From = from, Until = range.Until, Progress = progress });
        while (!IsFull && walk.Next())
        {
            _isBlockShown = false;
            TakeBlock(walk);
            flush();
        }

        if (IsFull)
        {
            output.End(new ShownEnd(LimitEnd));
            return 0;
        }

        ShownEnd end = EndOf(walk);
        output.End(end);
        flush();
        if (end.Kind == DamageEnd)
            return ReplayCommand.ExitUnsound;
        range.CheckReached(walk);
        return 0;
    }

    private static ShownEnd EndOf(JournalWalk walk)
    {
        if (walk.End is not { } end)
            return new ShownEnd(PointEnd);
        return end.Kind == JournalEndKind.End
            ? new ShownEnd(CleanEnd)
            : new ShownEnd(
                end.Kind == JournalEndKind.Damage ? DamageEnd : TornTailEnd,
                Path.GetFileName(walk.Reader.FileOf(end.Address)), walk.Reader.OffsetOf(end.Address), end.Block, end.What);
    }

    private void TakeBlock(JournalWalk walk)
    {
        ShownBlock block = ShownBlock.Of(walk);
        bool asked = range.Covers(block.Header) && options.Wants(block.Header.Kind);
        if (block.Header.Kind == BlockKind.Payments)
            TakePayments(walk, in block, asked);
        else if (!asked)
            return;
        else if (block.Header.Kind == BlockKind.Control)
            TakeCommands(walk, in block);
        else
            TakeOther(walk, in block);
    }

    private void TakePayments(JournalWalk walk, in ShownBlock block, bool asked)
    {
        if (asked && !options.FiltersSlots)
            ShowBlock(in block);
        if (!asked && options.Wallet is null)
            return;
        int first = range.SlotsBefore(block.Header);
        for (int i = options.Wallet is null ? first : 0; i < walk.Slots.Length && !IsFull; i++)
        {
            ref readonly Payment payment = ref walk.Slots[i];
            ref readonly Outcome outcome = ref walk.Outcomes[i];
            if (!IsOfWallet(walk, in payment, in outcome) || !asked || i < first
                || (options.Id is { } id && payment.Id != id && !(LedgerText.HasTarget(payment.Instruction) && payment.TargetId == id))
                || (options.Verdict is { } verdict && outcome.Verdict != verdict))
                continue;
            ShowBlock(in block);
            if (options.BlocksOnly)
                continue;
            output.Payment(walk.State, in block, block.Header.FirstSequence + (ulong)i, in payment, in outcome);
            _shown++;
        }

        _parties.Trim(walk.State);
    }

    private bool IsOfWallet(JournalWalk walk, in Payment payment, in Outcome outcome)
    {
        if (options.Wallet is not { } wallet)
            return true;
        return _parties.TryTake(walk.State, in payment, outcome.Verdict, out ulong payer, out ulong payee) && wallet != 0 && (payer == wallet || payee == wallet);
    }

    private void TakeCommands(JournalWalk walk, in ShownBlock block)
    {
        if (!options.FiltersSlots)
            ShowBlock(in block);
        ReadOnlySpan<ControlCommand> slots = MemoryMarshal.Cast<Payment, ControlCommand>(walk.Slots);
        int first = range.SlotsBefore(block.Header);
        for (int i = 0, length; i < slots.Length && !IsFull; i += length)
        {
            ref readonly ControlCommand command = ref slots[i];
            length = Math.Min(1 + command.ContinuationSlots, slots.Length - i);
            if (i + length <= first || options.Id is not null
                || (options.Wallet is { } wallet && !(command.Instruction.IsAboutWallet() && command.Subject == wallet))
                || (options.Verdict is { } verdict && walk.Outcomes[i].Verdict != verdict))
                continue;
            ShowBlock(in block);
            if (options.BlocksOnly)
                continue;
            ReadOnlySpan<byte> continuation = MemoryMarshal.AsBytes(slots.Slice(i + 1, length - 1));
            if (continuation.Length > command.ContinuationBytes)
                continuation = continuation[..(int)command.ContinuationBytes];
            output.Command(walk.State, in block, block.Header.FirstSequence + (ulong)i, in command, continuation, in walk.Outcomes[i]);
            _shown++;
        }
    }

    private void TakeOther(JournalWalk walk, in ShownBlock block)
    {
        ShowBlock(in block);
        if (options.BlocksOnly)
            return;
        _shown++;
        if (block.Header.Kind == BlockKind.Genesis)
            output.Genesis(in block, MemoryMarshal.AsRef<Genesis>(walk.Body));
        else if (block.Header.Kind == BlockKind.Seal)
            output.Seal(walk.State, in block, ClosedBatch.Decode(walk.Body[..^(int)block.Header.AttachmentBytes]));
        else if (block.Header.Kind == BlockKind.Members)
            output.Members(in block, walk.Body);
    }

    private void ShowBlock(in ShownBlock block)
    {
        if (_isBlockShown)
            return;
        _isBlockShown = true;
        output.Block(in block);
        if (options.BlocksOnly)
            _shown++;
    }
}
