using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>Modules from short texts.</summary>
internal static class LawModules
{
    /// <summary>Reads a module, which must be sound; its header may be left out.</summary>
    public static LawModule Read(string text)
    {
        string whole = text.Contains(" version ", StringComparison.Ordinal) ? text : $"module us version 1 effective 2026-01-01 authority \"test\" for US\n{text}";
        ModuleReading reading = ModuleReader.Read(whole, "test.rules");
        return reading.Module ?? throw new AssertionException(reading.Report());
    }

    /// <summary>A country's usual module: sanctions, thresholds by tier, an exception, limits; everything that corridor rows hold.</summary>
    public static LawModule Of(string name, ushort country, ushort currency, Random random)
    {
        string letters = Engine.Domain.Iso3166.LettersOf(country), money = Engine.Domain.Iso4217.LettersOf(currency);
        return Read($$"""
            module {{name}} version 1 effective 2026-01-01 authority "test" for {{letters}} currencies {{money}}
            list @sanctioned = { KP, IR, MM } illustrative "test"
            deny {{name}}.sanctions when src in @sanctioned or dst in @sanctioned illustrative "test"
            require {{name}}.travel tier >= 2 when src = {{letters}} and amount >= {{money}} {{random.Next(1_000, 9_000)}} illustrative "test"
            exception {{name}}.home to {{name}}.travel require tier >= 1 when dst = {{letters}} illustrative "test"
            limit {{name}}.day tier 0 at most {{money}} {{random.Next(100, 900)}}, tier 1 at most {{money}} 5000, tier 2 at most none, tier 3 at most none per day
                when src = {{letters}} illustrative "test"
            require {{name}}.report tier >= 3 when src = {{letters}} and sum(payer, month) + amount > {{money}} 10000 illustrative "test"
            """);
    }
}
