namespace Settlement.Tests;

/// <summary>Real data beside the repository (`../shared/data` from its root), read in place; a test is skipped where it is missing.</summary>
internal static class SharedData
{
    /// <summary>Where a file of it is, by its path below `shared/data`.</summary>
    public static string Path(string name)
    {
        for (DirectoryInfo? folder = new(TestContext.CurrentContext.TestDirectory); folder is not null; folder = folder.Parent)
        {
            string path = System.IO.Path.Combine(folder.FullName, "shared", "data", name);
            if (File.Exists(path))
                return path;
        }
        Assert.Ignore($"shared/data/{name} is not beside the repository");
        return "";
    }
}
