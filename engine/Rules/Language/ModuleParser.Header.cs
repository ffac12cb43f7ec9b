namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: the header.</remarks>
internal sealed partial class ModuleParser
{
    private static readonly string[] s_headerParts = ["version", "effective", "until", "authority", "for", "between"];
    private static readonly string[] s_world = ["world"];

    private HeaderSyntax? ReadHeader()
    {
        if (Keyword(LawWords.Headers, LawWords.Items) is not { } keyword)
        {
            _faults.Error(FaultCode.HeaderMissing, Current.Place, "a module begins with its header",
                "write first: `module NAME version 1 effective 2026-01-01 authority \"who answers for it\" for COUNTRY`");
            if (Current.Kind != TokenKind.End && Array.IndexOf(LawWords.Items, Current.Text) < 0)
                SkipToItem();
            return null;
        }
        Mark(LayoutMark.Item);
        int start = _at;
        var header = new HeaderSyntax(Take() with { Text = keyword });
        if (Current.Kind == TokenKind.Word && Array.IndexOf(s_headerParts, Current.Text) < 0)
            header.Name = Take();
        else
            _faults.Error(FaultCode.NameExpected, Here, $"the {keyword} has no name", $"write it behind `{keyword}`, in small letters: `{keyword} us`");

        int last = -1;
        bool[] seen = new bool[s_headerParts.Length];
        while (!AtItem && !_faults.IsFull)
        {
            if (Keyword(s_headerParts, LawWords.Items) is not { } part)
            {
                if (IsBehindHeader(header, seen))
                    break;
                _faults.Error(FaultCode.Unexpected, Here, $"{Current.Shown} has no meaning in the header", HeaderOrder(header));
                do
                    _at++;
                while (!AtItem && !(Current.Kind == TokenKind.Word && Array.IndexOf(s_headerParts, Current.Text) >= 0));
                continue;
            }
            int index = Array.IndexOf(s_headerParts, part);
            if (seen[index])
                _faults.Error(FaultCode.ClauseTwice, Current.Place, $"the header says `{part}` twice", "delete one of them");
            else if (index < last)
                _faults.Error(FaultCode.ClauseOutOfOrder, Current.Place, $"`{part}` stands too late in the header", HeaderOrder(header));
            seen[index] = true;
            last = Math.Max(last, index);
            ReadHeaderPart(header, part);
        }
        TellMissing(header, seen, start);
        return header;
    }

    /// <summary>Whether a line that begins with what the header does not have is behind it: because the header is whole, or by its word.</summary>
    private bool IsBehindHeader(HeaderSyntax header, bool[] seen) =>
        Current.IsFirstOnLine
            && (MissingParts(header, seen).Count == 0 || Array.IndexOf(LawWords.Items, Current.Text) >= 0
            || Array.IndexOf(LawWords.Headers, Current.Text) >= 0);

    private static List<string> MissingParts(HeaderSyntax header, bool[] seen)
    {
        List<string> missing = [];
        foreach (string part in (ReadOnlySpan<string>)["version", "effective", "authority", header.IsTreaty ? "between" : "for"])
            if (!seen[Array.IndexOf(s_headerParts, part)])
                missing.Add($"`{part}`");
        return missing;
    }

    private static string HeaderOrder(HeaderSyntax header) => header.IsTreaty
        ? "a treaty's header is: treaty NAME version NUMBER effective DATE [until DATE] authority \"TEXT\" between MODULE, MODULE"
        : "a module's header is: module NAME version NUMBER effective DATE [until DATE] authority \"TEXT\" for COUNTRIES [currencies CURRENCIES]";

    private void TellMissing(HeaderSyntax header, bool[] seen, int start)
    {
        List<string> missing = MissingParts(header, seen);
        if (missing.Count > 0 && !_faults.IsFull)
            _faults.Error(FaultCode.HeaderPartMissing, _tokens[start].Place, $"the header lacks {LawWords.AndOf(missing)}", HeaderOrder(header));
    }

    private void ReadHeaderPart(HeaderSyntax header, string part)
    {
        if (part is "authority" or "for" or "between")
            Mark(LayoutMark.Clause);
        TextPlace place = Take().Place;
        switch (part)
        {
            case "version":
                header.Version = TakeNumber("the version's number", "versions count from 1: `version 1`");
                break;
            case "effective":
                header.Effective = TakeDate();
                break;
            case "until":
                header.Until = TakeDate();
                break;
            case "authority":
                header.Authority = TakeText("who answers for the module", "write it in quotes: `authority \"US Treasury\"`");
                break;
            case "for" when header.IsTreaty:
                _faults.Error(FaultCode.Unexpected, place, "a treaty is not for countries", "name the modules it is between: `between us, in`");
                ReadScope(header);
                break;
            case "for":
                ReadScope(header);
                break;
            default:
                if (!header.IsTreaty)
                    _faults.Error(FaultCode.Unexpected, place, "a module is not between others",
                        "if it is a treaty, begin it with `treaty` instead of `module`");
                do
                {
                    if (Current.Kind != TokenKind.Word)
                    {
                        header.IsPartyLost = true;
                        _faults.Error(FaultCode.NameExpected, Here, "the name of a module is expected here",
                            "name the modules that the treaty is between: `between us, in`");
                        break;
                    }
                    header.Between.Add(Take());
                }
                while (AcceptSymbol(","));
                break;
        }
    }

    private void ReadScope(HeaderSyntax header)
    {
        if (Current.IsWord("world") || (Current.Text.Length > 3 && Keyword(s_world) is not null))
        {
            _at++;
            header.IsWorld = true;
        }
        else
        {
            header.Countries = ReadPlaces("the countries that the module is for",
                "write `for US`, `for { US, PR }`, `for @members` with a list of countries, or `for world`");
        }
        if (!AcceptNear("currencies", s_headerParts))
            return;
        TextPlace place = _tokens[_at - 1].Place;
        if (header.IsWorld)
            _faults.Error(FaultCode.Unexpected, place, "a module for the world has no currencies of its own",
                "delete `currencies` and what it names: it is asked about every payment anyway");
        header.Currencies = ReadPlaces("the module's currencies", "write `currencies EUR` or `currencies { EUR, SEK }`");
    }

    /// <summary>A code, a list of them, or a list's name.</summary>
    private PlacesSyntax? ReadPlaces(string what, string hint)
    {
        int start = _at;
        switch (Current.Kind)
        {
            case TokenKind.ListName:
                Token list = Take();
                return new PlacesSyntax([], list, list.Place);
            case TokenKind.Word when !IsClause(Current) && !AtItem:
                Token code = Take();
                return new PlacesSyntax([code], null, code.Place);
            case TokenKind.Symbol when Current.Text == "{":
                IReadOnlyList<Token> codes = ReadBraces();
                return new PlacesSyntax(codes, null, PlaceFrom(start));
            default:
                _faults.Error(FaultCode.ValueExpected, Here, $"{what} are expected here", hint);
                return null;
        }
    }
}
