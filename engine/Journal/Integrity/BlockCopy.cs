namespace Settlement.Engine.Journal.Integrity;

/// <summary>Somebody who may have good copies of blocks: another member of the cluster, or this node's own memory.</summary>
/// <param name="Name">As messages name it.</param>
/// <param name="Read">Header and body of a block; null: it has none. It may throw a <see cref="JournalException"/> or <see cref="IOException"/> whose message says why there is no answer.</param>
/// <param name="IsOwn">What this node wrote itself: good without a block behind it that says so.</param>
public sealed record BlockCopy(string Name, Func<ulong, byte[]?> Read, bool IsOwn = false);

/// <summary>Damage in a journal's files, and what became of it.</summary>
public sealed record JournalDamage
{
    /// <summary>Log address at which it begins.</summary>
    public required long Address { get; init; }

    /// <summary>The first block that is not whole, or does not follow.</summary>
    public required ulong FirstBlock { get; init; }

    /// <summary>How many blocks it strikes; 0: none, but what stands between them.</summary>
    public required ulong Blocks { get; init; }

    /// <summary>File and offset.</summary>
    public required string Place { get; init; }

    /// <summary>What is wrong.</summary>
    public required string What { get; init; }

    /// <summary>Who had the copy that was taken; null: it was not repaired.</summary>
    public string? RepairedFrom { get; init; }

    /// <summary>Why it was not repaired; null: it was, or nobody was asked.</summary>
    public string? NotRepaired { get; init; }

    /// <summary>Where the bytes that were found are kept; null: nowhere.</summary>
    public string? KeptAt { get; init; }

    /// <summary>Whether somebody who may have a copy did not answer: asking again may help.</summary>
    public bool IsWorthAskingAgain { get; init; }

    /// <summary>"block 7", "blocks 7 to 9", "the bytes before block 7".</summary>
    public string Name => Blocks switch
    {
        0 => $"the bytes before block {FirstBlock}",
        1 => $"block {FirstBlock}",
        _ => $"blocks {FirstBlock} to {FirstBlock + Blocks - 1}",
    };
}
