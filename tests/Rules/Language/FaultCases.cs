using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>
/// For every code texts that have this one fault and no other. The place that must be told stands between <c>⟦</c> and <c>⟧</c>, which are taken out before reading.
/// </summary>
internal static class FaultCases
{
    private const string Header = "module us version 1 effective 2026-01-01 until 2030-01-01 authority \"A\" for US\n";
    private const string Treaty = "treaty pact version 1 effective 2026-01-01 authority \"A\" between us, eu\n";
    private const string Statement = "deny us.a when src = US cite \"x\"\n";
    private const string Limit = "limit us.l at most USD 5 per day cite \"x\"\n";
    private const string Review = "review us.r cite \"x\"\n";

    public static IEnumerable<TestCaseData> All =>
        [.. Characters, .. Headers, .. Statements, .. Conditions, .. Exceptions, .. Limits, .. Lists, .. Names, .. Values, .. Money, .. Days, .. Bounds, .. Tests, .. Warnings];

    private static TestCaseData Of(string code, string text) => new TestCaseData(code, text).SetArgDisplayNames(code, text.Length > 100 ? text[..100] : text);

    private static TestCaseData In(string code, string body) => Of(code, Header + body);

    private static IEnumerable<TestCaseData> Characters =>
    [
        In(FaultCode.HiddenCharacter, "deny us.a # turned ⟦\u202E⟧ here\ncite \"x\""),
        In(FaultCode.HiddenCharacter, "deny us.a cite \"x⟦\u200B⟧y\""),
        In(FaultCode.HiddenCharacter, "deny us.a⟦\0⟧ cite \"x\""),
        In(FaultCode.HiddenCharacter, "deny us.a # old⟦\r⟧deny us.b cite \"x\"\ncite \"x\""),
        In(FaultCode.HiddenCharacter, "deny us.a cite \"x⟦\U000E0041⟧y\""),
        In(FaultCode.HiddenCharacter, "deny us.a cite \"x⟦\uD800⟧y\""),
        In(FaultCode.UnknownCharacter, "deny us.a when src ⟦==⟧ US cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when src ⟦<>⟧ US cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when tier ⟦≤⟧ 1 cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when tier ⟦≥⟧ 1 cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when src ⟦≠⟧ US cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when tier ⟦=<⟧ 1 cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when src = US ⟦&&⟧ tier = 1 cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when src = US ⟦||⟧ tier = 1 cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when ⟦!⟧ src = US cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when src = US⟦;⟧ cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when src = US⟦.⟧ cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when amount > ⟦$⟧USD 5 cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when amount > USD ⟦-⟧5 cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a when⟦\u00A0⟧src = US cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a ⟦😀⟧ cite \"x\""),
        In(FaultCode.UnknownCharacter, "deny us.a cite ⟦“⟧x”"),
        In(FaultCode.UnknownCharacter, "deny us.a cite ⟦'⟧x'"),
        In(FaultCode.UnknownCharacter, "⟦//⟧ says nothing\n" + Statement),
        In(FaultCode.UnknownCharacter, "deny us.a when src in ⟦[⟧ US } cite \"x\""),
        In(FaultCode.StringNotClosed, "deny us.a cite ⟦\"⟧31 CFR\n" + "deny us.b cite \"x\""),
        Of(FaultCode.StringNotClosed, "module us version 1 effective 2026-01-01 authority ⟦\"⟧A\n for US\n" + Statement),
        In(FaultCode.UnknownEscape, "deny us.a cite \"a⟦\\⟧n b\""),
        In(FaultCode.StringEmpty, "deny us.a cite ⟦\"  \"⟧"),
        In(FaultCode.StringTooLong, $"deny us.a cite ⟦\"{new string('x', 1001)}\"⟧"),
        In(FaultCode.NumberMalformed, "deny us.a when amount > USD ⟦3k⟧ cite \"x\""),
        In(FaultCode.NumberMalformed, "deny us.a when amount > USD ⟦1.000.000⟧ cite \"x\""),
        In(FaultCode.NumberMalformed, "deny us.a when amount > USD ⟦1__0⟧ cite \"x\""),
        In(FaultCode.NumberMalformed, "deny us.a when amount > USD ⟦10,000.50⟧ cite \"x\""),
        In(FaultCode.NumberMalformed, "deny us.a when amount > USD ⟦10 000⟧ cite \"x\""),
        In(FaultCode.NumberMalformed, "deny us.a when tier > ⟦1.5⟧ cite \"x\""),
        In(FaultCode.NameMalformed, "deny ⟦us.Travel⟧ cite \"x\""),
        In(FaultCode.NameMalformed, "deny ⟦us.travel-rule⟧ cite \"x\""),
        In(FaultCode.NameMalformed, "deny ⟦us.über⟧ cite \"x\""),
        In(FaultCode.NameMalformed, "deny us.a when src in ⟦@⟧ cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Headers =>
    [
        Of(FaultCode.HeaderMissing, "⟦⟧"),
        Of(FaultCode.HeaderMissing, "# nothing but a comment\n⟦⟧"),
        Of(FaultCode.HeaderMissing, "⟦deny⟧ us.a cite \"x\""),
        Of(FaultCode.WordMisspelt, "⟦modul⟧ us version 1 effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.HeaderPartMissing, "⟦module⟧ us version 1 effective 2026-01-01 for US"),
        Of(FaultCode.HeaderPartMissing, "⟦module⟧ us"),
        Of(FaultCode.HeaderPartMissing, "⟦treaty⟧ pact version 1 effective 2026-01-01 authority \"A\""),
        Of(FaultCode.NameExpected, "module ⟦version⟧ 1 effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.NameMalformed, "module ⟦US⟧ version 1 effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.NameMalformed, "module ⟦us.state⟧ version 1 effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.NameTooLong, $"module ⟦{new string('x', 33)}⟧ version 1 effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.NumberOutOfRange, "module us version ⟦0⟧ effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.NumberOutOfRange, "module us version ⟦4294967296⟧ effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.NumberOutOfRange, "module us version ⟦99999999999999999999999999⟧ effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.ValueExpected, "module us version ⟦effective⟧ 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.ValueExpected, "module us version 1 effective 2026-01-01 authority ⟦Treasury⟧ for US"),
        Of(FaultCode.ValueExpected, "module us version 1 effective 2026-01-01 authority \"A\" for⟦⟧\n" + Statement),
        Of(FaultCode.ClauseTwice, "module us version 1 ⟦version⟧ 2 effective 2026-01-01 authority \"A\" for US"),
        Of(FaultCode.ClauseOutOfOrder, "module us effective 2026-01-01 ⟦version⟧ 2 authority \"A\" for US"),
        Of(FaultCode.Unexpected, "module us version 1 effective 2026-01-01 authority \"A\" for US ⟦and⟧"),
        Of(FaultCode.Unexpected, "module us version 1 effective 2026-01-01 authority \"A\" for world ⟦currencies⟧ EUR"),
        Of(FaultCode.WordMisspelt, "module us version 1 effective 2026-01-01 authority \"A\" for ⟦wrold⟧"),
        Of(FaultCode.WordMisspelt, "module us version 1 effective 2026-01-01 authority \"A\" for DE ⟦currency⟧ EUR"),
        Of(FaultCode.UnknownCountry, "module us version 1 effective 2026-01-01 authority \"A\" for ⟦EU⟧ currencies EUR"),
        Of(FaultCode.Unexpected, "treaty pact version 1 effective 2026-01-01 authority \"A\" ⟦for⟧ US between us, eu"),
        Of(FaultCode.Unexpected, "module us version 1 effective 2026-01-01 authority \"A\" for US ⟦between⟧ us, eu"),
        Of(FaultCode.TreatyParties, "treaty pact version 1 effective 2026-01-01 authority \"A\" between ⟦us⟧"),
        Of(FaultCode.TreatyParties, "treaty pact version 1 effective 2026-01-01 authority \"A\" between us, ⟦us⟧"),
        Of(FaultCode.TreatyParties, "treaty pact version 1 effective 2026-01-01 authority \"A\" between us, ⟦pact⟧"),
        Of(FaultCode.NameExpected, "treaty pact version 1 effective 2026-01-01 authority \"A\" between us,⟦⟧"),
        In(FaultCode.HeaderTwice, "⟦module⟧ gb version 1 effective 2026-01-01 authority \"A\" for GB\n" + Statement),
    ];

    private static IEnumerable<TestCaseData> Statements =>
    [
        In(FaultCode.StatementExpected, "⟦sanctions⟧ are denied here\n" + Statement),
        In(FaultCode.StatementExpected, "⟦when⟧ src = US\n" + Statement),
        In(FaultCode.StatementExpected, "⟦\"text\"⟧\n" + Statement),
        In(FaultCode.WordMisspelt, "⟦dney⟧ us.a cite \"x\""),
        In(FaultCode.WordMisspelt, "⟦DENY⟧ us.a cite \"x\""),
        In(FaultCode.WordMisspelt, "deny us.a ⟦wehn⟧ src = US cite \"x\""),
        In(FaultCode.WordMisspelt, "deny us.a ⟦When⟧ src = US cite \"x\""),
        In(FaultCode.WordMisspelt, "deny us.a when src = US\n⟦cites⟧ \"x\"\n" + "deny us.b cite \"y\""),
        In(FaultCode.NameExpected, "deny ⟦when⟧ src = US cite \"x\""),
        In(FaultCode.NameExpected, "deny ⟦\"us.a\"⟧ when src = US cite \"x\""),
        In(FaultCode.ClauseTwice, "deny us.a when src = US ⟦when⟧ dst = US cite \"x\""),
        In(FaultCode.ClauseTwice, "deny us.a unless src = US ⟦unless⟧ dst = US cite \"x\""),
        In(FaultCode.ClauseTwice, "deny us.a cite \"x\" ⟦illustrative⟧ \"y\""),
        In(FaultCode.ClauseTwice, "deny us.a cite \"x\" from 2026-01-02 ⟦from⟧ 2026-01-03"),
        In(FaultCode.ClauseOutOfOrder, "deny us.a cite \"x\" ⟦when⟧ src = US"),
        In(FaultCode.ClauseOutOfOrder, "deny us.a unless src = US ⟦when⟧ dst = US cite \"x\""),
        In(FaultCode.Unexpected, "deny us.a ⟦src⟧ = US cite \"x\""),
        In(FaultCode.Unexpected, "deny us.a when src = US⟦,⟧ CA cite \"x\""),
        In(FaultCode.Unexpected, "deny us.a when src = US⟦)⟧ cite \"x\""),
        In(FaultCode.Unexpected, "deny us.a when src = US cite \"x\" ⟦and⟧ dst = US"),
        In(FaultCode.Unexpected, "review us.a when src = US ⟦within⟧ 3 days cite \"x\""),
        In(FaultCode.Unexpected, "deny us.a cite \"x\" ⟦us.b⟧"),
        In(FaultCode.SourceMissing, "deny ⟦us.a⟧ when src = US"),
        In(FaultCode.SourceMissing, "deny ⟦us.a⟧ when src = US\ntest \"t\" { src US dst US amount USD 1 } => no us.a"),
        In(FaultCode.ValueExpected, "deny us.a cite⟦⟧\n" + "deny us.b cite \"y\""),
        In(FaultCode.ConditionExpected, "require us.a ⟦when⟧ src = US cite \"x\""),
        In(FaultCode.ConditionExpected, "require us.a⟦⟧\ncite \"x\""),
        In(FaultCode.ValueExpected, "review us.a within ⟦days⟧ cite \"x\""),
        In(FaultCode.ValueExpected, "review us.a within 3 ⟦weeks⟧ cite \"x\""),
        In(FaultCode.NumberOutOfRange, "review us.a within ⟦367⟧ days cite \"x\""),
        In(FaultCode.NumberOutOfRange, "review us.a within ⟦0⟧ hours cite \"x\""),
        In(FaultCode.WordMisspelt, "review us.a ⟦whithin⟧ 3 days cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Conditions =>
    [
        In(FaultCode.ConditionExpected, "deny us.a when ⟦cite⟧ \"x\""),
        In(FaultCode.ConditionExpected, "deny us.a when src = US and⟦⟧\n  cite \"x\""),
        In(FaultCode.ConditionExpected, "deny us.a when src = US or ⟦and⟧ dst = US cite \"x\""),
        In(FaultCode.ConditionExpected, "deny us.a when ( ⟦)⟧ and dst = US cite \"x\""),
        In(FaultCode.ConditionExpected, "deny us.a when src = US or ⟦CA⟧ cite \"x\""),
        In(FaultCode.ConditionExpected, "deny us.a when ⟦3⟧ < tier cite \"x\""),
        In(FaultCode.ConditionExpected, "deny us.a when not ⟦@list⟧ cite \"x\""),
        In(FaultCode.UnknownField, "deny us.a when ⟦source⟧ = US cite \"x\""),
        In(FaultCode.UnknownField, "deny us.a when ⟦tir⟧ = 2 cite \"x\""),
        In(FaultCode.UnknownField, "deny us.a when ⟦weather⟧ = 2 and src = US cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when src ⟦US⟧ cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when src ⟦is⟧ US cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when src ⟦is⟧ not US cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when amount ⟦more⟧ than USD 5 cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when amount ⟦at⟧ least USD 5 cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when tier ⟦=>⟧ 2 cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when payer ⟦=⟧ person cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when src ⟦{⟧ US } cite \"x\""),
        In(FaultCode.ComparisonExpected, "deny us.a when src⟦⟧\n cite \"x\""),
        In(FaultCode.ValueExpected, "deny us.a when src = ⟦\"US\"⟧ cite \"x\""),
        In(FaultCode.ValueExpected, "list @l = { US } cite \"x\" deny us.a when src in @l and src = ⟦@l⟧ cite \"x\""),
        In(FaultCode.ValueExpected, "deny us.a when src = ⟦{⟧ US, CA } cite \"x\""),
        In(FaultCode.ValueExpected, "deny us.a when src = ⟦or⟧ dst = US cite \"x\""),
        In(FaultCode.ValueExpected, "deny us.a when payer is ⟦cite⟧ \"x\""),
        In(FaultCode.ParenthesisNotClosed, "deny us.a when ⟦(⟧src = US and dst = US cite \"x\""),
        In(FaultCode.ParenthesisNotClosed, "deny us.a when ((⟦(⟧src = US and dst = US cite \"x\""),
        In(FaultCode.SumMalformed, "deny us.a when sum ⟦payer⟧, day) + amount > USD 5 cite \"x\""),
        In(FaultCode.SumMalformed, "deny us.a when sum(⟦payee⟧, day) + amount > USD 5 cite \"x\""),
        In(FaultCode.SumMalformed, "deny us.a when sum(payer ⟦day⟧) + amount > USD 5 cite \"x\""),
        In(FaultCode.SumMalformed, "deny us.a when sum(payer, day) ⟦>⟧ USD 5 cite \"x\""),
        In(FaultCode.WindowMalformed, "deny us.a when sum(payer, ⟦7 days⟧) + amount > USD 5 and src = US cite \"x\""),
        In(FaultCode.SumComparison, "deny us.a when sum(payer, day) + amount ⟦<⟧ USD 5 cite \"x\""),
        In(FaultCode.ConditionTooDeep, $"deny us.a when {Repeat("(", 31)}⟦(⟧{Repeat("(", 40)}src = US{Repeat(")", 72)} cite \"x\""),
        In(FaultCode.ConditionTooDeep, $"deny us.a when ⟦not⟧ {Repeat("not ", 10_000)}src = US cite \"x\""),
        // 20 parentheses only, but 40 levels: an `and` in each `or`.
        In(FaultCode.ConditionTooDeep, $"deny us.a when ⟦src = US or tier = 1 and {Repeat("(src = US or tier = 1 and ", 20)}src = US{Repeat(")", 20)}⟧ cite \"x\""),
    ];

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));

    private static IEnumerable<TestCaseData> Exceptions =>
    [
        In(FaultCode.UnknownTarget, "exception us.e to ⟦us.b⟧ allow cite \"x\"\n" + Statement),
        In(FaultCode.UnknownTarget, "exception us.e ⟦allow⟧ cite \"x\"\n" + Statement),
        In(FaultCode.NameExpected, "exception us.e to ⟦allow⟧ cite \"x\"\n" + Statement),
        In(FaultCode.WordMisspelt, "exception us.e ⟦too⟧ us.a allow cite \"x\"\n" + Statement),
        In(FaultCode.EffectExpected, "exception us.e to us.a ⟦when⟧ src = US cite \"x\"\n" + Statement),
        In(FaultCode.EffectExpected, "exception us.e to us.a⟦⟧\n" + Statement),
        In(FaultCode.WordMisspelt, "exception us.e to us.a ⟦alow⟧ cite \"x\"\n" + Statement),
        In(FaultCode.WordMisspelt, "exception us.e to us.a ⟦layr⟧ 2 allow cite \"x\"\n" + Statement),
        In(FaultCode.NumberOutOfRange, "exception us.e to us.a layer ⟦0⟧ allow cite \"x\"\n" + Statement),
        In(FaultCode.NumberOutOfRange, "exception us.e to us.a layer ⟦101⟧ allow cite \"x\"\n" + Statement),
        In(FaultCode.ExceptionToException, "exception us.e to us.a allow cite \"x\"\nexception us.f to ⟦us.e⟧ allow cite \"x\"\n" + Statement),
        In(FaultCode.ExceptionToException, "exception us.e to ⟦us.e⟧ allow cite \"x\"\n"),
        In(FaultCode.TargetForeign, "exception us.e to ⟦gb.large⟧ allow cite \"x\"\n" + Statement),
        In(FaultCode.TargetForeign, "exception us.e to us.a, ⟦us.b⟧ allow cite \"x\"\ndeny us.b cite \"x\"\n" + Statement),
        Of(FaultCode.TreatyStatement, Treaty + "⟦deny⟧ pact.a when src = US cite \"x\""),
        Of(FaultCode.TargetNotBound, Treaty + "exception pact.a to us.a, ⟦gb.a⟧ allow cite \"x\""),
        Of(FaultCode.UnknownTarget, Treaty + "exception pact.a to ⟦us⟧ allow cite \"x\""),
        Of(FaultCode.NameTwice, Treaty + "exception pact.a to us.a, ⟦us.a⟧ allow cite \"x\""),
        Of(FaultCode.NameMalformed, Treaty + "exception pact.a to ⟦us.A⟧ allow cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Limits =>
    [
        In(FaultCode.CeilingsMalformed, "limit us.a ⟦per⟧ day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a ⟦USD⟧ 5 per day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a at ⟦USD⟧ 5 per day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a at most ⟦none⟧ per day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a ⟦tier 0 at most USD 5⟧ per day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a ⟦tier 0 at most none, tier 1 at most none, tier 2 at most none, tier 3 at most none⟧ per day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a tier 0 at most USD 1, tier 1 at most USD 1, tier 2 at most USD 1, tier 3 at most USD 1, tier ⟦3⟧ at most none per day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a tier 0 at most USD 1 ⟦tier⟧ 1 at most USD 1, tier 2 at most USD 1, tier 3 at most USD 1 per day cite \"x\""),
        In(FaultCode.CeilingsMalformed, "limit us.a tier 0 at most USD 1, tier 1 at most USD 1, tier 2 at most USD 1, tier 3 at most USD 1, ⟦per⟧ day cite \"x\""),
        In(FaultCode.NumberOutOfRange, "limit us.a tier 0 at most USD 1, tier 1 at most USD 1, tier 2 at most USD 1, tier ⟦4⟧ at most USD 1 per day cite \"x\""),
        In(FaultCode.WindowMalformed, "limit us.a at most USD 5⟦⟧\ncite \"x\""),
        In(FaultCode.WindowMalformed, "limit us.a at most USD 5 per ⟦week⟧ cite \"x\""),
        In(FaultCode.WindowMalformed, "limit us.a at most USD 5 per ⟦2 month⟧ cite \"x\""),
        In(FaultCode.WindowMalformed, "limit us.a at most USD 5 per year ⟦cite⟧ \"x\""),
        In(FaultCode.WindowMalformed, "limit us.a at most USD 5 per year from ⟦02-29⟧ cite \"x\""),
        In(FaultCode.WindowMalformed, "limit us.a at most USD 5 per year from ⟦2026-04-01⟧ cite \"x\""),
        In(FaultCode.WordMisspelt, "limit us.a at most USD 5 ⟦pre⟧ day cite \"x\""),
        In(FaultCode.WordMisspelt, "limit us.a at most USD 5 per ⟦mont⟧ cite \"x\""),
        In(FaultCode.AdaptationMalformed, "limit us.a at most USD 5 per day adapts ⟦@low⟧ at 50% cite \"x\""),
        In(FaultCode.AdaptationMalformed, "limit us.a at most USD 5 per day adapts to ⟦low⟧ at 50% cite \"x\""),
        In(FaultCode.AdaptationMalformed, "class @low = { ET } cite \"x\" limit us.a at most USD 5 per day adapts to @low ⟦cite⟧ \"x\""),
        In(FaultCode.AdaptationMalformed, "class @low = { ET } cite \"x\" limit us.a at most USD 5 per day adapts to @low at 50 ⟦cite⟧ \"x\""),
        In(FaultCode.NumberOutOfRange, "class @low = { ET } cite \"x\" limit us.a at most USD 5 per day adapts to @low at ⟦1001⟧% cite \"x\""),
        In(FaultCode.NumberOutOfRange, "class @low = { ET } cite \"x\" limit us.a at most USD 5 per day adapts to @low at ⟦0⟧% cite \"x\""),
        In(FaultCode.NameTwice, "class @low = { ET } cite \"x\" limit us.a at most USD 5 per day adapts to @low exempt, ⟦@low⟧ at 5% cite \"x\""),
        In(FaultCode.UnknownClass, "class @low = { ET } cite \"x\" limit us.a at most USD 5 per day adapts to ⟦@lwo⟧ exempt cite \"x\""),
        In(FaultCode.UnknownClass, "list @low = { ET } cite \"x\" limit us.a at most USD 5 per day adapts to ⟦@low⟧ exempt cite \"x\""),
        In(FaultCode.WordMisspelt, "class @low = { ET } cite \"x\" limit us.a at most USD 5 per day ⟦adpats⟧ to @low exempt cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Lists =>
    [
        In(FaultCode.NameExpected, "list ⟦=⟧ { US } cite \"x\""),
        In(FaultCode.NameExpected, "list ⟦members⟧ = { US } cite \"x\" deny us.a when src in @members cite \"x\""),
        In(FaultCode.ListMalformed, "list @l ⟦{⟧ US } cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = ⟦US⟧ cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = { US ⟦CA⟧ } cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = { US,⟦,⟧ CA } cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = { US⟦,⟧ } cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = { US, ⟦@other⟧ } cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = { US, ⟦\"CA\"⟧ } cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = ⟦{⟧ US, CA cite \"x\""),
        In(FaultCode.ListMalformed, "list @l = ⟦{⟧ } cite \"x\""),
        In(FaultCode.ListMalformed, "deny us.a when src in ⟦US⟧ cite \"x\""),
        In(FaultCode.SourceMissing, "list ⟦@l⟧ = { US }\n" + Statement),
        In(FaultCode.Unexpected, "list @l = { US } ⟦for⟧ all cite \"x\""),
        In(FaultCode.ClauseTwice, "list @l = { US } cite \"x\" ⟦cite⟧ \"x\""),
        In(FaultCode.NameTwice, "list @l = { US } cite \"x\"\nclass ⟦@l⟧ = { CA } cite \"x\""),
        In(FaultCode.NameMalformed, "list ⟦@Sanctioned⟧ = { US } cite \"x\""),
        In(FaultCode.NameTooLong, $"list ⟦@{new string('x', 65)}⟧ = {{ US }} cite \"x\""),
        In(FaultCode.ListOfMixedKinds, "list @l = { US, ⟦EUR⟧, CA } cite \"x\""),
        In(FaultCode.ListOfMixedKinds, "list @l = { US, ⟦medical⟧ } cite \"x\""),
        In(FaultCode.ListOfMixedKinds, "list @l = { medical, ⟦USD⟧ } cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "class @l = { US, ⟦EUR⟧ } cite \"x\""),
        In(FaultCode.UnknownList, "list @sanctioned = { CU } cite \"x\" deny us.a when src in ⟦@sanctoined⟧ cite \"x\""),
        In(FaultCode.ListOfOtherKind, "list @l = { USD } cite \"x\" deny us.a when src in ⟦@l⟧ cite \"x\""),
        In(FaultCode.ListOfOtherKind, "list @l = { US } cite \"x\" deny us.a when tier in ⟦@l⟧ cite \"x\""),
        In(FaultCode.ListOfOtherKind, "deny us.a when ⟦amount⟧ in { US } cite \"x\""),
        Of(FaultCode.ListOfOtherKind, "module us version 1 effective 2026-01-01 authority \"A\" for ⟦@l⟧\nlist @l = { USD } cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Names =>
    [
        In(FaultCode.NameTwice, Statement + "deny ⟦us.a⟧ cite \"x\""),
        In(FaultCode.NameForeign, "deny ⟦gb.a⟧ cite \"x\""),
        In(FaultCode.NameForeign, "deny ⟦sanctions⟧ cite \"x\""),
        In(FaultCode.NameForeign, "deny ⟦use.a⟧ cite \"x\""),
        In(FaultCode.NameTooLong, $"deny ⟦us.{new string('x', 98)}⟧ cite \"x\""),
        In(FaultCode.UnknownCountry, "deny us.a when src = ⟦ZZ⟧ cite \"x\""),
        In(FaultCode.UnknownCountry, "deny us.a when src = ⟦us⟧ cite \"x\""),
        In(FaultCode.UnknownCountry, "deny us.a when src in { US, ⟦UK⟧ } cite \"x\""),
        In(FaultCode.UnknownCountry, "deny us.a when owner = ⟦EU⟧ cite \"x\""),
        In(FaultCode.UnknownCurrency, "deny us.a when currency = ⟦UDS⟧ cite \"x\""),
        In(FaultCode.UnknownCurrency, "deny us.a when amount > ⟦XAU⟧ 5 cite \"x\""),
        In(FaultCode.UnknownPurpose, "deny us.a when purpose = ⟦medicine⟧ cite \"x\""),
        In(FaultCode.UnknownInstruction, "deny us.a when instruction != ⟦holds⟧ cite \"x\""),
        In(FaultCode.UnknownKind, "deny us.a when payer is not ⟦company⟧ cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Values =>
    [
        In(FaultCode.ValueOfOtherKind, "deny us.a when tier >= ⟦US⟧ cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "deny us.a when tier = ⟦high⟧ cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "deny us.a when src = ⟦USD⟧ cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "deny us.a when src = ⟦2⟧ cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "deny us.a when currency = ⟦US⟧ cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "deny us.a when purpose = ⟦DE⟧ cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "deny us.a when payee is ⟦medical⟧ cite \"x\""),
        In(FaultCode.ValueOfOtherKind, "deny us.a when instruction in { hold, ⟦person⟧ } cite \"x\""),
        In(FaultCode.FieldWithoutOrder, "deny us.a when src ⟦>=⟧ US cite \"x\""),
        In(FaultCode.FieldWithoutOrder, "deny us.a when currency ⟦<⟧ USD cite \"x\""),
        In(FaultCode.FieldWithoutOrder, "deny us.a when purpose ⟦>⟧ medical cite \"x\""),
        In(FaultCode.NumberOutOfRange, "deny us.a when tier >= ⟦4⟧ cite \"x\""),
        In(FaultCode.NumberOutOfRange, "deny us.a when level < ⟦256⟧ cite \"x\""),
        In(FaultCode.NumberOutOfRange, "deny us.a when level < ⟦18446744073709551616⟧ cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Money =>
    [
        In(FaultCode.CurrencyMissing, "deny us.a when amount > ⟦3000⟧ cite \"x\""),
        In(FaultCode.CurrencyMissing, "limit us.a at most ⟦3000⟧ per day cite \"x\""),
        In(FaultCode.CurrencyBehind, "deny us.a when amount > ⟦3000⟧ USD cite \"x\""),
        In(FaultCode.ValueExpected, "deny us.a when amount > USD ⟦cite⟧ \"x\""),
        In(FaultCode.ValueExpected, "deny us.a when amount > ⟦USD3000⟧ cite \"x\""),
        In(FaultCode.ValueExpected, "deny us.a when amount > ⟦@limit⟧ cite \"x\""),
        In(FaultCode.AmountTooFine, "deny us.a when amount > USD ⟦0.0000000000000000001⟧ cite \"x\""),
        In(FaultCode.AmountTooLarge, "deny us.a when amount > USD ⟦10000000000000000000000000000⟧ cite \"x\""),
        In(FaultCode.AmountTooLarge, $"deny us.a when amount > USD ⟦{new string('9', 5000)}⟧ cite \"x\""),
        In(FaultCode.IndexMalformed, "deny us.a when amount > USD 5 indexed by ⟦cpi⟧ cite \"x\""),
        In(FaultCode.IndexMalformed, "deny us.a when amount > USD 5 indexed by ⟦USD.cpi.x⟧ cite \"x\""),
        In(FaultCode.IndexMalformed, "deny us.a when amount > USD 5 indexed by USD.⟦rate⟧ cite \"x\""),
        In(FaultCode.IndexMalformed, "deny us.a when amount > USD 5 indexed ⟦USD⟧ cite \"x\""),
        In(FaultCode.IndexMalformed, "deny us.a when amount > USD 5 indexed by ⟦cite⟧ \"x\""),
        In(FaultCode.WordMisspelt, "deny us.a when amount > USD 5 ⟦indexd⟧ by USD.cpi cite \"x\""),
        In(FaultCode.UnknownCurrency, "deny us.a when amount > USD 5 indexed by ⟦USX⟧.cpi cite \"x\""),
        In(FaultCode.NameMalformed, "deny us.a when amount > USD 5 indexed by USD.⟦CPI⟧ cite \"x\""),
        In(FaultCode.NameTooLong, "deny us.a when amount > USD 5 indexed by USD.⟦consumer_prices_x⟧ cite \"x\""),
    ];

    private static IEnumerable<TestCaseData> Days =>
    [
        Of(FaultCode.DateMalformed, "module us version 1 effective ⟦01.02.2026⟧ authority \"A\" for US"),
        Of(FaultCode.DateMalformed, "module us version 1 effective ⟦authority⟧ \"A\" for US"),
        Of(FaultCode.NoSuchDay, "module us version 1 effective ⟦2026-02-29⟧ authority \"A\" for US"),
        Of(FaultCode.NoSuchDay, "module us version 1 effective ⟦2026-13-01⟧ authority \"A\" for US"),
        Of(FaultCode.NoSuchDay, "module us version 1 effective ⟦1969-12-31⟧ authority \"A\" for US"),
        Of(FaultCode.NoSuchDay, "module us version 1 effective ⟦2554-01-01⟧ authority \"A\" for US"),
        Of(FaultCode.UntilNotLater, "module us version 1 effective 2026-01-01 until ⟦2026-01-01⟧ authority \"A\" for US"),
        In(FaultCode.UntilNotLater, "deny us.a cite \"x\" from 2026-06-01 until ⟦2026-06-01⟧"),
        In(FaultCode.UntilNotLater, "deny us.a cite \"x\" until ⟦2026-01-01⟧"),
        In(FaultCode.FromTooEarly, "deny us.a cite \"x\" from ⟦2025-12-31⟧"),
        In(FaultCode.FromTooLate, "deny us.a cite \"x\" from ⟦2030-01-01⟧"),
        In(FaultCode.DateMalformed, "deny us.a cite \"x\" from ⟦today⟧"),
    ];

    private static IEnumerable<TestCaseData> Bounds =>
    [
        Of(FaultCode.TextTooLong, "⟦⟧" + Header + new string('#', 256 * 1024)),
        In(FaultCode.TooMany, Many(1000, at => $"deny us.s{at} cite \"x\"\n") + "deny ⟦us.more⟧ cite \"x\""),
        In(FaultCode.TooMany, Many(1000, at => $"test \"t{at}\" {{ src US dst DE amount USD 1 }} => yes\n") + "test ⟦\"more\"⟧ { src US dst DE amount USD 1 } => yes"),
        In(FaultCode.TooMany, Many(200, at => $"list @l{at} = {{ US }} cite \"x\"\n") + "list ⟦@more⟧ = { US } cite \"x\""),
        In(FaultCode.TooMany, $"deny us.a when src in {{ US{Many(299, _ => ", US")}, ⟦CA⟧, DE }} cite \"x\""),
        Of(FaultCode.TooMany, $"treaty pact version 1 effective 2026-01-01 authority \"A\" between {Many(250, at => $"m{at}, ")}⟦more⟧"),
        Of(FaultCode.TooMany, Treaty + $"exception pact.e to {Many(250, at => $"us.s{at}, ")}⟦us.more⟧ allow cite \"x\""),
    ];

    private static string Many(int times, Func<int, string> text) => string.Concat(Enumerable.Range(0, times).Select(text));

    private static IEnumerable<TestCaseData> Tests =>
    [
        In(FaultCode.NameExpected, "test ⟦{⟧ src US dst DE amount USD 1 } => yes"),
        In(FaultCode.NameExpected, "test ⟦small⟧ { src US dst DE amount USD 1 } => yes"),
        In(FaultCode.TestMalformed, "test \"t\" ⟦src⟧ US dst DE amount USD 1 } => yes"),
        In(FaultCode.TestMalformed, "test \"t\" { src US dst DE amount USD 1 ⟦=>⟧ yes"),
        In(FaultCode.TestMalformed, "test \"t\" { src US dst DE amount USD 1 ⟦colour⟧ blue } => yes"),
        In(FaultCode.TestMalformed, "test \"t\" { src US⟦,⟧ dst DE amount USD 1 } => yes"),
        In(FaultCode.TestMalformed, "test \"t\" { src ⟦=⟧ US dst DE amount USD 1 } => yes"),
        In(FaultCode.TestMalformed, "test \"t\" { src US dst DE amount USD 1 }⟦⟧\n" + Statement),
        In(FaultCode.TestMalformed, "test \"t\" { src US dst DE amount USD 1 } ⟦=⟧ yes"),
        In(FaultCode.TestMalformed, "test \"t\" { src US dst DE amount USD 1 } => ⟦perhaps⟧"),
        In(FaultCode.WordMisspelt, "test \"t\" { src US dst DE ⟦amout⟧ USD 1 } => yes"),
        In(FaultCode.WordMisspelt, "test \"t\" { src US dst DE amount USD 1 } => ⟦yse⟧"),
        In(FaultCode.ValueExpected, "test \"t\" { dst DE amount USD 1 src ⟦}⟧ => yes"),
        In(FaultCode.NameExpected, "test \"t\" { src US dst DE amount USD 1 } => no⟦⟧\n" + Statement),
        In(FaultCode.Unexpected, "test \"t\" { src US dst DE amount USD 1 } => yes ⟦us.a⟧"),
        In(FaultCode.TestItemMissing, "test ⟦\"t\"⟧ { src US amount USD 1 } => yes"),
        In(FaultCode.TestItemTwice, "test \"t\" { src US dst DE amount USD 1 ⟦src⟧ DE } => yes"),
        In(FaultCode.TestItemTwice, "test \"t\" { src US dst DE amount USD 1 spent day USD 1 ⟦spent⟧ day USD 2 } => yes"),
        In(FaultCode.TestItemTwice, "test \"t\" { src US dst DE amount USD 1 parameter EUR.rate 1 parameter ⟦EUR.rate⟧ 2 } => yes"),
        In(FaultCode.NameTwice, "test \"t\" { src US dst DE amount USD 1 } => yes\ntest ⟦\"t\"⟧ { src US dst DE amount USD 1 } => yes"),
        In(FaultCode.UnknownStatement, "test \"t\" { src US dst DE amount USD 1 } => no ⟦us.b⟧\n" + Statement),
        In(FaultCode.TestAnswerOfOtherKind, "test \"t\" { src US dst DE amount USD 1 } => no ⟦us.r⟧\n" + Review),
        In(FaultCode.TestAnswerOfOtherKind, "test \"t\" { src US dst DE amount USD 1 } => review ⟦us.l⟧\n" + Limit),
        In(FaultCode.TestAnswerOfOtherKind, "test \"t\" { src US dst DE amount USD 1 } => no ⟦us.e⟧\nexception us.e to us.a allow cite \"x\"\n" + Statement),
        In(FaultCode.AmountNotPlain, "test \"t\" { src US dst DE amount ⟦equiv USD 1⟧ } => yes"),
        In(FaultCode.AmountNotPlain, "test \"t\" { src US dst DE amount ⟦USD 1 indexed by USD.cpi⟧ } => yes"),
        In(FaultCode.AmountNotPlain, "test \"t\" { src US dst DE amount USD 1 spent day ⟦EUR 1⟧ } => yes"),
        In(FaultCode.NumberOutOfRange, "test \"t\" { src US dst DE amount USD ⟦0.00⟧ } => yes"),
        In(FaultCode.NumberOutOfRange, "test \"t\" { src US dst DE amount USD 1 parameter EUR.rate ⟦0⟧ } => yes"),
        In(FaultCode.NumberOutOfRange, "test \"t\" { src US dst DE amount USD 1 parameter EUR.rate ⟦18446744073.709551616⟧ } => yes"),
        In(FaultCode.NumberOutOfRange, "test \"t\" { src US dst DE amount USD 1 parameter EUR.rate ⟦1.0000000001⟧ } => yes"),
        In(FaultCode.NumberMalformed, "test \"t\" { src US dst DE amount USD 1 parameter EUR.rate ⟦1.0.8⟧ } => yes"),
        In(FaultCode.NumberOutOfRange, "test \"t\" { src US dst DE amount USD 1 tier ⟦4⟧ } => yes"),
        In(FaultCode.NoSuchDay, "test \"t\" { src US dst DE amount USD 1 on ⟦2026-06-31⟧ } => yes"),
        In(FaultCode.WindowMalformed, "test \"t\" { src US dst DE amount USD 1 spent ⟦week⟧ USD 1 } => yes"),
    ];

    private static IEnumerable<TestCaseData> Warnings =>
    [
        In(FaultCode.ListUnused, "list ⟦@l⟧ = { US } cite \"x\"\n" + Statement),
        In(FaultCode.ListUnused, "class ⟦@l⟧ = { US } cite \"x\"\n" + Statement),
        In(FaultCode.ValueTwice, "deny us.a when src in { US, CA, ⟦US⟧ } cite \"x\""),
        In(FaultCode.EquivalentSum, "limit us.a at most ⟦equiv USD 5⟧ per day cite \"x\""),
        In(FaultCode.EquivalentSum, "deny us.a when sum(payer, day) + amount > ⟦equiv USD 5⟧ cite \"x\""),
        In(FaultCode.UntilWithoutEffect, "deny us.a cite \"x\" until ⟦2030-01-01⟧"),
        In(FaultCode.TestOutsideOfForce, "test \"t\" { src US dst DE amount USD 1 on ⟦2025-12-31⟧ } => yes"),
        In(FaultCode.TestOutsideOfForce, "test \"t\" { src US dst DE amount USD 1 on ⟦2030-01-01⟧ } => yes"),
    ];
}
