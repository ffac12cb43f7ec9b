namespace Settlement.Tests;

/// <summary>The checkout that the tests were built from: found from where they run, for a CI build maps source paths away.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Settlement.sln")))
                return at.FullName;
        }

        throw new InvalidOperationException($"no Settlement.sln above {AppContext.BaseDirectory}");
    }
}
