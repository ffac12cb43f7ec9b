using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Gives a module as it is written its meaning: looks up every name, checks every type and bound. Goes on behind a fault and tells all. This file: the module as a
/// whole and its header.
/// </summary>
internal sealed partial class ModuleBinder
{
    private readonly ModuleSyntax _syntax;
    private readonly FaultList _faults;

    // Looked up, never walked.
    private readonly Dictionary<string, BoundList> _listsByName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StatementSyntax> _statementsByName = new(StringComparer.Ordinal);

    private string _module = ""; // empty: it has no name that could be read
    private int? _effectiveDay;
    private int? _untilDay;
    private bool _isTreaty;
    private readonly HashSet<string> _between = new(StringComparer.Ordinal);

    private ModuleBinder(ModuleSyntax syntax, FaultList faults) => (_syntax, _faults) = (syntax, faults);

    /// <returns>Null if the header could not be read; whether the module stands is for the faults to say.</returns>
    public static LawModule? Bind(ModuleSyntax syntax, string text, FaultList faults)
    {
        var binder = new ModuleBinder(syntax, faults);
        return binder.Bind(text);
    }

    private sealed record BoundList(ListSyntax Syntax, LawList? List)
    {
        public bool IsUsed { get; set; }
    }

    private LawModule? Bind(string text)
    {
        uint version = BindHeaderNames();
        List<LawList> lists = BindLists();
        Jurisdiction jurisdiction = BindJurisdiction();
        List<LawStatement> statements = BindStatements();
        List<LawTest> tests = BindTests();
        if (_faults.HasErrors || _syntax.Header?.Authority is not { } authority || _effectiveDay is not { } effective)
            return null;
        // Only now: where there are errors, the use may be among what could not be read.
        foreach (ListSyntax list in _syntax.Lists)
            if (!_listsByName[list.Name.Text].IsUsed)
                _faults.Warning(FaultCode.ListUnused, list.Name.Place, $"no statement uses the {list.Keyword.Text} {list.Name.Shown}", "delete it, or use it");
        return new LawModule
        {
            Name = _module,
            Version = version,
            EffectiveDay = effective,
            UntilDay = _untilDay,
            Authority = authority.Text,
            Jurisdiction = jurisdiction,
            Between = [.. _syntax.Header.Between.Select(name => name.Text).Order(StringComparer.Ordinal)],
            Lists = lists,
            Statements = statements,
            Tests = tests,
            Text = text,
            Hash = Digest.From(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
        };
    }

    /// <returns>The version.</returns>
    private uint BindHeaderNames()
    {
        if (_syntax.Header is not { } header)
            return 0;
        _isTreaty = header.IsTreaty;
        if (header.Name is { } name && CheckModuleName(name))
            _module = name.Text;
        uint version = header.Version is { } number ? (uint)BindWhole(number, 1, uint.MaxValue, "versions are whole numbers from 1") : 0;
        _effectiveDay = header.Effective is { } effective ? BindDate(effective) : null;
        _untilDay = header.Until is { } until ? BindDate(until) : null;
        if (_untilDay <= _effectiveDay)
            _faults.Error(FaultCode.UntilNotLater, header.Until!.Value.Place, "the module ends before it begins",
                "`until` is the first day on which it is not in force any more; it must be later than the effective day");
        if (!header.IsTreaty)
            return version;
        foreach (Token party in header.Between)
        {
            if (!CheckModuleName(party))
                continue;
            if (party.Text == _module)
                _faults.Error(FaultCode.TreatyParties, party.Place, "a treaty is not between itself and others", "name the modules that it is between");
            else if (!_between.Add(party.Text))
                _faults.Error(FaultCode.TreatyParties, party.Place, $"{party.Shown} is named twice", "delete one of them");
        }
        if (header.Between.Count > LanguageBounds.TreatyNamesMax)
            _faults.Error(FaultCode.TooMany, header.Between[LanguageBounds.TreatyNamesMax].Place,
                $"a treaty is between at most {LanguageBounds.TreatyNamesMax} modules");
        else if (header.Between.Count == 1 && !header.IsPartyLost)
            _faults.Error(FaultCode.TreatyParties, header.Between[0].Place, "a treaty is between two modules or more",
                "name the others, too: `between us, in`");
        return version;
    }

    private Jurisdiction BindJurisdiction()
    {
        if (_syntax.Header is not { } header || header.IsTreaty)
            return Jurisdiction.None;
        List<ushort> countries = header.Countries is { } places ? BindValues(places, RuleField.Source, "the module's countries") : [];
        List<ushort> currencies = header.Currencies is { } money ? BindValues(money, RuleField.Currency, "the module's currencies") : [];
        if (header.IsWorld)
            return Jurisdiction.World;
        if (header.Currencies is null)
        {
            foreach (ushort currency in Iso4217.Numbers)
                if (countries.Contains(Iso4217.OwnerCountry(currency)))
                    currencies.Add(currency);
            currencies.Sort();
        }
        return new Jurisdiction(false, countries, currencies);
    }

    private bool CheckModuleName(Token name) => CheckName(name, LanguageBounds.ModuleNameCharsMax, mayHavePoints: false, "a module's name");

    /// <summary>Small letters, digits and <c>_</c>, a letter in front; where points are allowed, between such words.</summary>
    private bool CheckName(Token name, int charsMax, bool mayHavePoints, string what)
    {
        string text = name.Text;
        if (text.Length > charsMax)
        {
            _faults.Error(FaultCode.NameTooLong, name.Place, $"{what} has at most {charsMax} letters; this has {text.Length}", "shorten it");
            return false;
        }
        bool isFine = text.Length > 0 && char.IsAsciiLetterLower(text[0]);
        foreach (char letter in text)
            isFine &= char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '_' || (letter == '.' && mayHavePoints);
        if (isFine)
            return true;
        string offered = new([.. text.ToLowerInvariant().Select(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter)
            || (letter == '.' && mayHavePoints) ? letter : '_')]);
        _faults.Error(FaultCode.NameMalformed, name.Place, $"{name.Shown} cannot be {what}",
            "it is written with small letters, digits and `_`" + (mayHavePoints ? ", with points between words" : "") + ", a letter in front" +
            (offered.Length > 0 && char.IsAsciiLetterLower(offered[0]) ? $": {ModuleText.Quote(offered)}" : ""));
        return false;
    }

    private int? BindDate(Token date)
    {
        if (!NumberText.IsDate(date.Text))
        {
            _faults.Error(FaultCode.DateMalformed, date.Place, $"{date.Shown} is no day", NumberText.DateForm);
            return null;
        }
        if (NumberText.ReadDate(date.Text, out int day) is { } fault)
        {
            _faults.Error(FaultCode.NoSuchDay, date.Place, $"{date.Shown} is no day that can stand here", fault);
            return null;
        }
        return day;
    }

    /// <returns>The number; the least one where it is none or out of range, which is told.</returns>
    private ulong BindWhole(Token token, ulong least, ulong most, string rule)
    {
        if (!NumberText.TryWhole(token.Text, out ulong number))
            _faults.Error(FaultCode.NumberMalformed, token.Place, $"{token.Shown} is no whole number", rule);
        else if (number < least || number > most)
            _faults.Error(FaultCode.NumberOutOfRange, token.Place, $"{token.Shown} is out of range", rule);
        else
            return number;
        return least;
    }
}
