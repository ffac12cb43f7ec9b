using Settlement.Client.Wire;
using Settlement.Engine;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;

namespace Settlement.Gateway.Serve.Roles;

/// <summary>
/// A ledger's engine as the server's ports see it: a state that can always be asked, and a ring that is there while this node leads. On a single node it always leads.
/// </summary>
/// <remarks>
/// Who writes takes <see cref="Current"/> once for each frame, and stays with it: a leadership that has ended says so by itself. Nobody keeps a pipeline.
/// </remarks>
internal abstract class LedgerEngine
{
    private volatile Leadership? _leading;

    /// <summary>On the thread that changes the role, once the ring is there; must not wait for an answer of it.</summary>
    public event Action? LeadingBegan;

    /// <summary>On the thread that changes the role, once nothing more is appended; clients that were answered are answered, others never will be by this leadership.</summary>
    public event Action? LeadingEnded;

    public abstract UInt128 LedgerId { get; }

    /// <summary>What stopped the engine for good; null: it runs, in whatever role.</summary>
    public abstract EngineStoppedException? Failure { get; }

    /// <summary>Ledger sequence of the last slot that was decided here. Any thread.</summary>
    public abstract ulong Sequence { get; }

    /// <summary>What the journal's disk has done.</summary>
    public abstract DiskFigures Disk { get; }

    /// <summary>How far the stages are; a node that follows has no ring.</summary>
    public abstract PipelineProgress Progress { get; }

    /// <summary>The leadership at hand; null: this node does not lead now.</summary>
    public Leadership? Leading => _leading;

    /// <summary>Whether payments are taken.</summary>
    public virtual bool IsReady => _leading is not null && Failure is null;

    /// <summary>Whether reads are answered as of nearly now.</summary>
    public virtual bool IsCaughtUp => Failure is null;

    /// <summary>Where clients reach the leader, when it is another node and is known.</summary>
    public virtual NodeAddresses Leader => NodeAddresses.None;

    /// <summary>Whether a question that was abandoned may be asked again: the role has changed, and the state goes on.</summary>
    public virtual bool SurvivesRoles => false;

    /// <exception cref="NotLeadingException">This node does not lead.</exception>
    public Leadership Current => _leading ?? throw NotLeading();

    /// <summary>Asks the state as of all that is decided. Any thread; does not wait.</summary>
    /// <returns>False: too many questions wait, or the engine has stopped; the query is neither answered nor abandoned.</returns>
    public abstract bool TryAsk(IStateQuery query);

    public NotLeadingException NotLeading(bool mayHaveHappened = false) => new(Leader, mayHaveHappened);

    protected void Begin(Leadership leading)
    {
        _leading = leading;
        LeadingBegan?.Invoke();
    }

    /// <summary>Nobody finds the leadership any more; those who have it are refused by it.</summary>
    protected Leadership? Take()
    {
        Leadership? ended = _leading;
        _leading = null;
        return ended;
    }

    protected void TellEnded() => LeadingEnded?.Invoke();
}
