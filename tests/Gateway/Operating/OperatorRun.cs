using System.Text.Json;
using Settlement.Gateway;

namespace Settlement.Tests.Gateway.Operating;

/// <summary>What one of the operator's verbs left, run in this process through the program's own command line.</summary>
internal sealed record OperatorRun(int Code, string Output, string Error)
{
    public static OperatorRun Of(params string[] words)
    {
        using StringWriter output = new(), error = new();
        int code = GatewayCommands.Run(words, output, error);
        return new OperatorRun(code, output.ToString(), error.ToString());
    }

    public JsonElement Json
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
    }

    public OperatorRun Exits(int code)
    {
        Assert.That(Code, Is.EqualTo(code), $"{Output}\n{Error}");
        return this;
    }

    public OperatorRun Says(params string[] texts)
    {
        foreach (string text in texts)
            Assert.That(Output + Error, Does.Contain(text));
        return this;
    }
}
