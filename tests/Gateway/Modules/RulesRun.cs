using System.Text.Json;
using Settlement.Gateway;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>What a run of `gateway rules` left.</summary>
internal sealed record RulesRun(int Code, string Output, string Error)
{
    public JsonElement Json
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
    }

    /// <summary>In process, through the program's own command line.</summary>
    public static RulesRun Of(params string[] words)
    {
        using StringWriter output = new(), error = new();
        int code = GatewayCommands.Run(["rules", .. words], output, error);
        return new RulesRun(code, output.ToString(), error.ToString());
    }

    public RulesRun Exits(int code)
    {
        Assert.That(Code, Is.EqualTo(code), $"{Output}\n{Error}");
        return this;
    }

    public RulesRun Says(params string[] texts)
    {
        foreach (string text in texts)
            Assert.That(Output + Error, Does.Contain(text));
        return this;
    }

    /// <summary>Some tests are about the solver's answers; where there is none, they have nothing to say.</summary>
    public static Z3Library Solver() => Z3Library.Installed ?? throw new IgnoreException("there is no libz3 on this machine");
}

/// <summary>A folder with modules.</summary>
internal sealed class RulesFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Path => _folder.Path;

    public string Write(string name, string text)
    {
        string path = _folder.PathOf(name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>A module `us` of these statements, without tests.</summary>
    public string Us(string statements, string name = "us.rules") =>
        Write(name, $"module us version 1 effective 2026-01-01 authority \"A\" for US currencies USD\n{statements}\n");

    public string PathOf(string name) => _folder.PathOf(name);

    public void Dispose() => _folder.Dispose();
}
