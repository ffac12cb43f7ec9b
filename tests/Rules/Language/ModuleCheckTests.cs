using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class ModuleCheckTests
{
    private static readonly Dictionary<ParameterName, ulong> s_none = [];

    [Test]
    public void Shipped_modules_pass_together()
    {
        LawModule[] all = [.. Directory.GetFiles(Path.Combine(Repository.Root, "gateway", "rules"), "*.rules").Order(StringComparer.Ordinal)
            .Select(file => ModuleReader.Read(File.ReadAllBytes(file), file).Module!)];
        RuleSet rules = new([.. all.Where(one => !one.IsTreaty)], [.. all.Where(one => one.IsTreaty).Select(one => new BoundTreaty(one, one.Between))],
            s_none, Iso4217.ScaleOf);
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();
        foreach (LawModule module in all)
        {
            foreach (ModuleFault fault in ModuleCheck.Check(rules, module))
                TestContext.Out.WriteLine($"{module.Name} {fault}\n   {fault.Hint}");
            TestContext.Out.WriteLine($"{module.Name} {watch.ElapsedMilliseconds} ms");
        }
        bool ok = RuleSetLowering.TryLower(rules, 20_500, out LoweredRules? lowered, out string error);
        TestContext.Out.WriteLine($"{watch.ElapsedMilliseconds} {ok} {error} {lowered?.Table.Rules.Length} {lowered?.Table.Encode().Length}");
        RulePlan plan = RulePlan.Build(lowered!.Table, Iso4217.OwnerCountry);
        foreach (Rule rule in lowered.Table.Rules)
            TestContext.Out.WriteLine($"{rule.Id} {rule.Name} {rule.Kind} {rule.Window} {rule.Currency} {ConditionText.Of(rule.Condition)} NEEDS {(rule.Needs is null ? "" : ConditionText.Of(rule.Needs))}");
        TestContext.Out.WriteLine(plan.Describe()[..2000]);
    }
}
