namespace Settlement.Replay.Backup;

/// <summary>A backup is not what its manifest says, or not a backup of this journal. The message says which file, and what to do.</summary>
internal sealed class BackupException(string sentence) : Exception(sentence)
{
    public static BackupException Damaged(string place, string what) =>
        new($"The backup is damaged: '{place}' {what}. Nothing was restored from it or added to it; use another backup, or make a new one into an empty directory.");
}
