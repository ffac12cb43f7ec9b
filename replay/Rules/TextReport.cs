using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>One version of a module or treaty: its text as it was proposed, and its metadata.</summary>
internal sealed class TextReport
{
    private readonly LawsAt _laws;
    private readonly Proposal _version;
    private readonly LawText _text;

    private TextReport(LawsAt laws, Proposal version, LawText text) => (_laws, _version, _text) = (laws, version, text);

    /// <exception cref="UsageException">There is no such version, or its text is not in the journal any more.</exception>
    public static TextReport Of(LawsAt laws, string module, string? version)
    {
        Law law = laws.Find(module);
        Proposal shown = version is null ? law.Active ?? throw new UsageException(law.Versions.Count == 0
                ? $"'{module}' has no version {laws.Where}: nothing was proposed for it."
                : $"'{module}' has no version in force {laws.Where}; --version N shows one that was proposed: {VersionsOf(law)}.")
            : Find(law, version, laws);
        LawText? text = shown.Text;
        if (text is null)
        {
            using JournalReader reader = Journals.Open(laws.Journal);
            text = ProposedTexts.Find(shown, reader);
        }

        return new TextReport(laws, shown, text ?? throw new UsageException(
            $"The text of '{module}' version {shown.Version} stands in a part of the journal that is not there any more (sequence {shown.Steps[0].Sequence})."));
    }

    public void PrintText(TextWriter output) => output.Write(_text.ToString());

    /// <summary>Metadata as comments of the language: what is printed is still the module.</summary>
    public void PrintLines(TextWriter output)
    {
        foreach ((string name, string value) in Metadata())
            output.WriteLine($"# {name}: {value}");
        output.WriteLine();
        PrintText(output);
    }

    public void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteString("journal", _laws.Journal);
        _laws.WriteWhere(writer);
        foreach ((string name, string value) in Metadata())
            writer.WriteString(name.Replace(' ', '_'), value);
        writer.WriteString("text", _text.ToString());
        json.End();
    }

    private static Proposal Find(Law law, string version, LawsAt laws)
    {
        bool numbered = uint.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out uint number);
        return law.Versions.LastOrDefault(one => numbered && one.Version == number)
            ?? throw new UsageException($"--version {version}: '{law.Name}' has {(law.Versions.Count == 0 ? "no version" : $"the versions {VersionsOf(law)}")} {laws.Where}.");
    }

    private static string VersionsOf(Law law) => string.Join(", ", law.Versions.Select(one => one.Version).Distinct().Order());

    private IEnumerable<(string Name, string Value)> Metadata()
    {
        string proposer = _laws.Book.FindDevice(_version.Proposer) is { } device ? $"{device.Id} of {device.Maker}" : _version.Proposer.ToString();
        yield return (_version.Law.IsTreaty ? "treaty" : "module", _version.Law.Name);
        yield return ("version", _version.Version.ToString(CultureInfo.InvariantCulture));
        yield return ("status", SnakeCase.Of(_version.Status));
        yield return ("proposal", _version.Number.ToString(CultureInfo.InvariantCulture));
        yield return ("text hash", _text.Hash.ToString());
        yield return ("proposed by", proposer);
        yield return ("proposed", PlaceOf(_version.Steps[0]));
        foreach (ProposalStep step in _version.Steps.Where(step => step.Status is ProposalStatus.Active).TakeLast(1))
            yield return ("active since", PlaceOf(step));
        if (_version.FailureReason.Length > 0)
            yield return ("failed because", _version.FailureReason);
    }

    private static string PlaceOf(in ProposalStep step) => string.Create(CultureInfo.InvariantCulture, $"sequence {step.Sequence}, {TimeText.Format(step.TimeNs)}");
}
