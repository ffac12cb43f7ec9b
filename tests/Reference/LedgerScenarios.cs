using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// Small stories, each a verdict or an effect of engine/SEMANTICS.md worked out by hand. A fixture that derives from this
/// and opens its ledger runs all of them.
/// </summary>
public abstract partial class LedgerScenarios
{
    /// <summary>A fresh ledger; its genesis block comes as the first block.</summary>
    protected abstract ILedgerUnderTest Open(Genesis genesis);

    /// <summary>The rules as a plan that this ledger's ActivateRules takes.</summary>
    protected abstract byte[] Encode(IReadOnlyList<TableRule> rules);

    private Scenario Begin(Genesis? genesis = null) => new(Open, genesis);

    private void Activate(Scenario story, params TableRule[] rules) =>
        Assert.That(story.Activate(Encode(rules)), Is.EqualTo(Verdict.Accepted), "the plan of rules");

    private static void Expect(Outcome outcome, Verdict verdict) => Assert.That(outcome.Verdict, Is.EqualTo(verdict));

    private static void ExpectRepeat(Outcome outcome, Verdict verdict, Verdict first)
    {
        Assert.That(outcome.Verdict, Is.EqualTo(verdict));
        Assert.That(outcome.First, Is.EqualTo(first), "the first verdict");
    }

    private static void ExpectAccount(Scenario story, ulong wallet, ulong available, ulong pending, ulong held) =>
        Assert.That(story.AccountOf(wallet), Is.EqualTo(new AccountView(available, pending, held)), $"wallet {wallet}");
}
