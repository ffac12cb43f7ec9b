namespace Settlement.Perf.Common;

/// <summary>What a load measured is not what it promised to do: there is no figure.</summary>
public sealed class CheckFailedException(string sentence) : Exception(sentence);
