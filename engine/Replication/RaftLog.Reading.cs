using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DotNext.IO;
using DotNext.IO.Log;
using DotNext.Net.Cluster.Consensus.Raft;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>What the library reads: terms, and on the leader the blocks that a member lacks, a bounded piece at a time.</summary>
internal sealed partial class RaftLog
{
    /// <summary>Bytes of blocks in one request; one block more may begin below it.</summary>
    public const int RequestBytesMax = 8 << 20;

    private const int RequestBlocksMax = 4096;

    /// <summary>How long a refusal is kept back, so that who tries again at once does not try in a busy loop.</summary>
    private const int RefusalPauseMs = 500;

    private readonly ConditionalWeakTable<object, MemberProgress> _readers = [];
    private readonly ConcurrentDictionary<EndPoint, MemberProgress> _progress = new();

    /// <summary>A member lacks the block before what it was sent: another round, further back, is worth trying at once.</summary>
    public event Action? Rejected;

    /// <summary>A member's log ends before a block that it had said, in this term, it has: the block that it had, and the one that it ends with.</summary>
    public event Action<EndPoint, ulong, ulong>? Forgotten;

    /// <summary>What a member lacks cannot be read on this disk. Once for each member and term.</summary>
    public event Action<EndPoint, Exception>? Unreadable;

    /// <summary>A member reads only an earlier format of blocks.</summary>
    public event Action<EndPoint>? FormatRefused;

    /// <summary>What is known of a member from its answers; null: this node has not led since it knows it.</summary>
    public MemberProgress? ProgressOf(EndPoint member) => _progress.GetValueOrDefault(member);

    internal void Watch(MemberProgress progress) => _progress[progress.Member] = progress;

    internal readonly struct Entry(ulong term, ReadOnlyMemory<byte> block, bool isMembers, bool isSnapshot = false) : IRaftLogEntry
    {
        public long Term => (long)term;

        bool IRaftLogEntry.IsConfiguration => isMembers;

        bool ILogEntry.IsSnapshot => isSnapshot;

        bool IDataTransferObject.IsReusable => true;

        long? IDataTransferObject.Length => block.Length;

        bool IDataTransferObject.TryGetMemory(out ReadOnlyMemory<byte> memory)
        {
            memory = block;
            return true;
        }

        ValueTask IDataTransferObject.WriteToAsync<TWriter>(TWriter writer, CancellationToken token) => writer.Invoke(block, token);
    }

    ValueTask<TResult> IAuditTrail<IRaftLogEntry>.ReadAsync<TResult>(ILogEntryConsumer<IRaftLogEntry, TResult> reader, long startIndex, long endIndex, CancellationToken token)
    {
        if (endIndex > (long)_log.LastBlock)
            return ValueTask.FromException<TResult>(new ArgumentOutOfRangeException(nameof(endIndex), $"the log ends with block {_log.LastBlock}"));
        if (typeof(TResult) == typeof(Result<ReplicationStatus>))
            return ReplicateAsync(reader, (ulong)startIndex, (ulong)endIndex, token);
        if (startIndex > endIndex)
            return reader.ReadAsync<Entry, Entry[]>([], null, token);
        if (reader.LogEntryMetadataOnly)
            return reader.ReadAsync<Entry, Entry[]>([new(KnownTermOf((ulong)startIndex) ?? ulong.MaxValue >> 1, default, false)], null, token);
        return ValueTask.FromException<TResult>(new NotSupportedException("only the replication reads blocks here"));
    }

    /// <summary>Hands one member what it lacks, and learns from its answer.</summary>
    private async ValueTask<TResult> ReplicateAsync<TResult>(ILogEntryConsumer<IRaftLogEntry, TResult> reader, ulong first, ulong last, CancellationToken token)
    {
        if (!_readers.TryGetValue(reader, out MemberProgress? progress))
        {
            progress = new(LibraryInside.MemberOf(reader).EndPoint, OwnTerm);
            _readers.Add(reader, progress);
            Watch(progress);
        }

        if (progress.PauseMs() is var pause and > 0)
            await Task.Delay(pause, token).ConfigureAwait(false);
        TResult result;
        ulong sent = first - 1;
        ulong committed = _log.CommittedBlock;
        try
        {
            if (first > last)
            {
                result = await reader.ReadAsync<Entry, Entry[]>([], null, token).ConfigureAwait(false);
            }
            else if (first <= 1 || KnownTermOf(first - 1) is not null)
            {
                List<Entry> entries = Load(progress, first, last, out bool isDamaged);
                sent = first - 1 + (ulong)entries.Count;
                // Behind damage that nobody could repair there is nothing to send; the member goes on hearing that it is led.
                result = entries.Count > 0 || isDamaged
                    ? await reader.ReadAsync<Entry, List<Entry>>(entries, null, token).ConfigureAwait(false)
                    : await SendSeedNoticeAsync(reader, token).ConfigureAwait(false);
            }
            else
            {
                result = await SendSeedNoticeAsync(reader, token).ConfigureAwait(false);
            }
        }
        catch (Exception failed) when (failed is not OperationCanceledException)
        {
            progress.Failed();
            if (failed is Journal.JournalException && progress.MayTellUnreadable())
                Unreadable?.Invoke(progress.Member, failed);
            throw;
        }
        finally
        {
            progress.Entries.Clear();
        }

        await LearnAsync(progress, Unsafe.As<TResult, Result<ReplicationStatus>>(ref result), first, sent, committed, token).ConfigureAwait(false);
        return result;
    }

    private async ValueTask LearnAsync(MemberProgress progress, Result<ReplicationStatus> answer, ulong first, ulong sent, ulong committed, CancellationToken token)
    {
        switch (answer.Value.Result)
        {
            case HeartbeatResult.Replicated or HeartbeatResult.ReplicatedWithLeaderTerm:
                progress.Confirmed(sent, committed);
                await MarkMajorityAsync(token).ConfigureAwait(false);
                break;
            case HeartbeatResult.Rejected when answer.Term <= (long)progress.Term:
                if (progress.Forgot((ulong)Math.Max(answer.Value.LastIndex, 0)) is { } had)
                    Forgotten?.Invoke(progress.Member, had, (ulong)answer.Value.LastIndex);
                if (progress.RejectedBehind(first - 1))
                    Rejected?.Invoke();
                break;
            case HeartbeatResult.UnsupportedVersion:
                progress.Failed();
                FormatRefused?.Invoke(progress.Member);
                break;
        }
    }

    private List<Entry> Load(MemberProgress progress, ulong first, ulong last, out bool isDamaged)
    {
        List<Entry> entries = progress.Entries;
        isDamaged = false;
        (int filled, long total) = (0, 0);
        for (ulong block = first; block <= last && total < RequestBytesMax && entries.Count < RequestBlocksMax; block++)
        {
            int bytes;
            try
            {
                bytes = _log.Read(block, ref progress.Scratch);
            }
            catch (BlockDamagedException)
            {
                isDamaged = true;
                break;
            }

            if (bytes < 0)
                break;
            if (progress.Arena.Length - filled < bytes)
            {
                if (progress.Arena.Length >= RequestBytesMax && entries.Count > 0)
                    break;
                // The entries so far keep the old array alive until they are sent.
                progress.Arena = GC.AllocateUninitializedArray<byte>(Math.Max(bytes, Math.Min(Math.Max(1 << 16, 2 * progress.Arena.Length), RequestBytesMax)));
                filled = 0;
            }

            progress.Scratch.AsSpan(0, bytes).CopyTo(progress.Arena.AsSpan(filled));
            ref readonly BlockHeader header = ref HeaderOf(progress.Scratch);
            entries.Add(new(header.Term, progress.Arena.AsMemory(filled, bytes), header.Kind == BlockKind.Members));
            filled += bytes;
            total += bytes;
        }

        return entries;
    }

    /// <summary>Tells a member that what it would need next is cut away here. It answers with a refusal and raises its event.</summary>
    private ValueTask<TResult> SendSeedNoticeAsync<TResult>(ILogEntryConsumer<IRaftLogEntry, TResult> reader, CancellationToken token)
    {
        ulong committed = _log.CommittedBlock;
        byte[] notice = new byte[sizeof(ulong)];
        ulong first = _log.FirstBlock;
        MemoryMarshal.Write(notice, in first);
        return reader.ReadAsync<Entry, Entry[]>([new(_log.TermOf(committed), notice, false, isSnapshot: true)], (long)committed, token);
    }

    private ulong? KnownTermOf(ulong block)
    {
        if (block == 0)
            return 0;
        try
        {
            return _log.TermOf(block);
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }
}
