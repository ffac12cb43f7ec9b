namespace Settlement.History;

/// <summary>The question cannot be answered as it was put; the sentence says why, and what to do.</summary>
internal sealed class UsageException(string sentence) : Exception(sentence);
