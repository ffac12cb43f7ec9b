using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// What it costs the settle thread when a law comes into force: a module for the whole world with thresholds for every country as source and as destination, in 8
/// currencies, voted and scheduled version after version as operators do it, the plan built ahead on its thread. Measured is the block in which the version changes,
/// against blocks of the same size before it.
/// </summary>
internal sealed class LawSwap : IDisposable
{
    private const int BlockPayments = 200;
    private const int BlocksBefore = 20;
    private static readonly UInt128 s_ledgerId = 4;

    private readonly LedgerState _state;
    private readonly Settler _settler;
    private readonly PlanBuilder _plans;
    private readonly ECDsa _device = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly int _countries;
    private Exception? _failure; // written by: the plans' thread
    private ulong _block;
    private ulong _payment;
    private uint _version;

    private LawSwap(int countries)
    {
        _countries = countries;
        Genesis genesis = Genesis.Default(default) with { AccountsMax = 1_000 };
        _state = new LedgerState(in genesis, new Deduplicator(in genesis, 16L << 20, new NoStore())) { LedgerId = s_ledgerId };
        _settler = new Settler(_state);
        _plans = new PlanBuilder(LawCompiler.Shared, static (_, _) => { }, failure => _failure = failure);
        _state.Laws.Builder = _plans;
        foreach (ushort currency in TwentyCountries.Currencies)
        {
            var declare = new ControlCommand
            {
                Instruction = Instruction.DeclareCurrency, Currency = currency, Scale = (byte)Iso4217.ScaleOf(currency), Session = Limits.OperatorSession,
            };
            Send(System.Runtime.InteropServices.MemoryMarshal.Cast<ControlCommand, Payment>([declare]));
            Send(PayloadCommand.ToSlots(Instruction.SetParameter, Limits.OperatorSession,
                new ParameterCommand(currency, ParameterName.RateName, ParameterName.One / 2 + currency, ActivationPoint.Now).Encode()));
        }

        Send(PayloadCommand.ToSlots(Instruction.RegisterDevice, Limits.OperatorSession, new DeviceRegistration(NodeKey.Of(_device), "world", "a maker").Encode()));
        Send(PayloadCommand.ToSlots(Instruction.FoundModule, Limits.OperatorSession, new ModuleFounding("world", 1, 1, 1).Encode()));
    }

    /// <summary>Longest and middle pause of so many activations, and how long the plan took to build.</summary>
    /// <param name="small">A few countries.</param>
    /// <param name="rounds">At least 1.</param>
    /// <exception cref="CheckFailedException">A command is refused, or the law did not come into force at its payment.</exception>
    public static (Spread PauseMs, Spread BuildMs, string Says) Measure(bool small, int rounds)
    {
        using var swap = new LawSwap(small ? 5 : Iso3166.Count);
        var pauses = new List<double>();
        var builds = new List<double>();
        for (int round = 0; round <= rounds; round++)
        {
            (double pauseMs, double buildMs) = swap.Activate();
            if (round == 0)
                continue; // warms up
            pauses.Add(pauseMs);
            builds.Add(buildMs);
        }

        RulePlan plan = swap._state.Rules!;
        return (Spread.Of(pauses), Spread.Of(builds), string.Create(CultureInfo.InvariantCulture,
            $"{plan.Table.Rules.Length} rules, {swap._countries} x {swap._countries} countries x {TwentyCountries.Currencies.Length} currencies, {rounds} activations"));
    }

    public void Dispose()
    {
        _plans.Dispose();
        _state.Dispose();
        _device.Dispose();
    }

    private (double PauseMs, double BuildMs) Activate()
    {
        ProposalPayload payload = ProposalPayload.OfText("world", ++_version, TextOf(_version));
        Send(PayloadCommand.ToSlots(Instruction.Propose, Limits.OperatorSession, GovernanceMessage.Propose(s_ledgerId, payload, _device).Encode()));
        Proposal proposal = _state.LawBook.Proposals[^1];
        Send(PayloadCommand.ToSlots(Instruction.Vote, Limits.OperatorSession,
            GovernanceMessage.Vote(s_ledgerId, proposal.Number, proposal.PayloadHash, true, _device).Encode()));
        ulong at = _state.Sequence + 2 + BlocksBefore * BlockPayments + BlockPayments / 2;
        long scheduled = Stopwatch.GetTimestamp();
        Send(PayloadCommand.ToSlots(Instruction.Schedule, Limits.OperatorSession,
            new ScheduleCommand(proposal.Number, proposal.PayloadHash, ActivationPoint.AtSequence(at)).Encode()));
        while (!_plans.IsIdle && _failure is null)
            Thread.Sleep(1);
        double buildMs = Run.NsSince(scheduled) / 1e6;
        if (_failure is not null)
            throw new CheckFailedException($"the plan was not built: {_failure.Message}");
        double[] before = new double[BlocksBefore];
        while (_state.Sequence + BlockPayments < at)
            before[_block % BlocksBefore] = ApplyBlock();
        double with = ApplyBlock();
        if (_state.LawBook.FindProposal(proposal.Number)!.Status != ProposalStatus.Active)
            throw new CheckFailedException($"version {_version} was to be in force from sequence {at} on, and is {proposal.Status}");
        return (with - Spread.Of(before).Median, buildMs);
    }

    private double ApplyBlock()
    {
        var payments = new Payment[BlockPayments];
        foreach (ref Payment payment in payments.AsSpan())
        {
            payment = new Payment
            {
                IdHigh = 9, IdLow = ++_payment, Payer = 1, Payee = 2, Amount = 1, Currency = TwentyCountries.Currencies[0], Instruction = Instruction.Immediate,
                Flags = PaymentFlags.StreamId, Session = Limits.OperatorSession,
            };
        }

        long begun = Stopwatch.GetTimestamp();
        Apply(BlockKind.Payments, payments);
        return Run.NsSince(begun) / 1e6;
    }

    private void Send(ReadOnlySpan<Payment> slots)
    {
        Outcome outcome = Apply(BlockKind.Control, slots)[0];
        if (outcome.Verdict != Verdict.Accepted)
            throw new CheckFailedException($"{slots[0].Instruction} was refused: {outcome.Verdict}");
    }

    private Outcome[] Apply(BlockKind kind, ReadOnlySpan<Payment> slots)
    {
        var header = new BlockHeader
        {
            Kind = kind, Number = ++_block, LedgerId = s_ledgerId, FirstSequence = _state.Sequence + 1, Count = (uint)slots.Length, TimeNs = LoadLedger.TimeNs,
        };
        var outcomes = new Outcome[slots.Length];
        _settler.Apply(in header, slots, outcomes);
        return outcomes;
    }

    /// <summary>Two thresholds a country, other ones in every version.</summary>
    private string TextOf(uint version)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"module world version {version} effective 2026-01-01 authority \"a measurement\" for world\n");
        for (int i = 0; i < _countries; i++)
        {
            string country = Iso3166.LettersOf(Iso3166.Numbers[i]);
            text.Append(CultureInfo.InvariantCulture, $"require world.from_{country.ToLowerInvariant()} tier >= {1 + i % 3} when src = {country} and amount >= equiv USD {1_000 + i + version} illustrative \"a measurement\"\n");
            text.Append(CultureInfo.InvariantCulture, $"require world.to_{country.ToLowerInvariant()} tier >= {1 + i % 2} when dst = {country} and amount >= equiv USD {100 + i + version} illustrative \"a measurement\"\n");
        }

        return text.ToString();
    }
}
