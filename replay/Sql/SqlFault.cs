namespace Settlement.Replay.Sql;

/// <summary>What DuckDB says of a fault, in one line: its sentence, without the picture of the query.</summary>
internal static class SqlFault
{
    public static string Sentence(string message)
    {
        int picture = message.IndexOf("\nLINE ", StringComparison.Ordinal);
        string sentence = picture < 0 ? message : message[..picture];
        return string.Join(' ', sentence.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
    }
}
