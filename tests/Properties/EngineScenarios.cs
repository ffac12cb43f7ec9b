using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Properties;

/// <summary>The law's small stories, told to the engine.</summary>
[TestFixture]
public sealed class EngineScenarios : LedgerScenarios
{
    private readonly SharedRules _rules = new();
    private readonly List<EngineLedger> _opened = [];

    [TearDown]
    public void Close()
    {
        _opened.ForEach(ledger => ledger.Dispose());
        _opened.Clear();
    }

    protected override ILedgerUnderTest Open(Genesis genesis)
    {
        _opened.Add(new EngineLedger(genesis));
        return _opened[^1];
    }

    protected override byte[] Encode(IReadOnlyList<TableRule> rules) => _rules.Encode(rules);
}
