using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Governance;

// The law book in a snapshot: lists in their order, each with its count; proposals name laws, and laws proposals, by number.
public sealed partial class LawBook
{
    internal void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)_laws.Count);
        foreach (Law law in _laws)
        {
            WriteText(writer, law.Name);
            writer.Write<ulong>([law.FoundedSequence, law.FoundedNs, law.Active?.Number ?? 0, law.LastGood?.Number ?? 0]);
            writer.Write<uint>([law.VersionHighest]);
            writer.Write<ushort>([law.Quorum, law.Makers, law.EmergencyQuorum, law.FoundedBy, law.IsTreaty ? (ushort)1 : (ushort)0]);
        }

        writer.Write((ulong)_devices.Count);
        foreach (Device device in _devices)
        {
            writer.Write(device.Key);
            WriteText(writer, device.Module);
            WriteText(writer, device.Maker);
            writer.Write<ulong>([device.RegisteredSequence, device.RegisteredNs, device.RevokedSequence, device.RevokedNs]);
        }

        writer.Write((ulong)_proposals.Count);
        foreach (Proposal proposal in _proposals)
            Save(writer, proposal);
        SaveParametersAndSchedule(writer);
        writer.Write((ulong)_decisions.Count);
        foreach (Decision decision in _decisions)
            writer.Write(in decision);
    }

    internal void Load(SnapshotReader reader)
    {
        var named = new List<(Law Law, ulong Active, ulong LastGood)>();
        for (int count = reader.ReadCount(GovernanceBounds.LawsMax, "laws"); count > 0; count--)
            named.Add(ReadLaw(reader));
        for (int count = reader.ReadCount(GovernanceBounds.DevicesMax, "voting devices"); count > 0; count--)
            ReadDevice(reader);
        for (int count = reader.ReadCount(GovernanceBounds.ProposalsMax, "proposals"); count > 0; count--)
            ReadProposal(reader);
        foreach ((Law law, ulong active, ulong lastGood) in named)
        {
            (law.Active, law.LastGood) = (FindProposal(active), FindProposal(lastGood));
            reader.Expect((active == 0) == (law.Active is null) && (lastGood == 0) == (law.LastGood is null), $"law {law.Name} is of a version that there is not");
            reader.Expect(law.Active is null or { Text: not null } && law.LastGood is null or { Text: not null }, $"the text in force of {law.Name} is missing");
        }

        LoadParametersAndSchedule(reader);
        for (int count = reader.ReadCount(GovernanceBounds.DecisionsMax, "decisions"); count > 0; count--)
        {
            Decision decision = reader.Read<Decision>();
            reader.Expect(_decisionById.TryAdd(decision.Id, decision.Payload), "a decision is there twice");
            _decisions.Enqueue(decision);
        }
    }

    private (Law Law, ulong Active, ulong LastGood) ReadLaw(SnapshotReader reader)
    {
        string name = ReadText(reader, GovernanceBounds.NameBytesMax);
        Span<ulong> places = stackalloc ulong[4];
        reader.Read(places);
        uint highest = reader.Read<uint>();
        Span<ushort> numbers = stackalloc ushort[5];
        reader.Read(numbers);
        reader.Expect(!_lawByName.ContainsKey(name), $"law {name} is there twice");
        var law = new Law
        {
            Number = (ushort)(_laws.Count + 1), Name = name, IsTreaty = numbers[4] == 1, Quorum = numbers[0], Makers = numbers[1], EmergencyQuorum = numbers[2],
            FoundedBy = numbers[3], FoundedSequence = places[0], FoundedNs = places[1], VersionHighest = highest,
        };
        Add(law);
        return (law, places[2], places[3]);
    }

    private void ReadDevice(SnapshotReader reader)
    {
        NodeKey key = reader.Read<NodeKey>();
        string module = ReadText(reader, GovernanceBounds.NameBytesMax);
        string maker = ReadText(reader, GovernanceBounds.MakerBytesMax);
        Span<ulong> places = stackalloc ulong[4];
        reader.Read(places);
        reader.Expect(!_deviceById.ContainsKey(key.Id), "a device is registered twice");
        Add(new Device
        {
            Id = key.Id, Key = key, Module = module, Maker = maker, RegisteredSequence = places[0], RegisteredNs = places[1], RevokedSequence = places[2],
            RevokedNs = places[3],
        });
    }

    private static void Save(SnapshotWriter writer, Proposal proposal)
    {
        writer.Write<ulong>([proposal.Law.Number, proposal.Version, (ulong)proposal.Kind, (ulong)proposal.Point.Kind, proposal.Point.Value]);
        writer.Write(proposal.PayloadHash);
        writer.Write(proposal.TextHash);
        writer.Write(proposal.Proposer);
        writer.Write(proposal.DeviceKey);
        WriteText(writer, proposal.DeviceMaker);
        WriteText(writer, proposal.FailureReason);
        byte[] text = proposal.Text?.Utf8 ?? [];
        writer.Write((ulong)text.Length);
        writer.Write<byte>(text);
        foreach (IReadOnlyList<Law> laws in (ReadOnlySpan<IReadOnlyList<Law>>)[proposal.Between, proposal.Bound])
        {
            writer.Write((ulong)laws.Count);
            foreach (Law law in laws)
                writer.Write(law.Number);
        }

        WriteList(writer, proposal.StepList);
        WriteList(writer, proposal.VoteList);
        WriteList(writer, proposal.ReportList);
    }

    private void ReadProposal(SnapshotReader reader)
    {
        Span<ulong> numbers = stackalloc ulong[5];
        reader.Read(numbers);
        reader.Expect(FindLaw((uint)numbers[0]) is not null, $"proposal {_proposals.Count + 1} is about a law that there is not");
        Digest payload = reader.Read<Digest>();
        Digest textHash = reader.Read<Digest>();
        KeyId proposer = reader.Read<KeyId>();
        NodeKey key = reader.Read<NodeKey>();
        string maker = ReadText(reader, GovernanceBounds.MakerBytesMax);
        string reason = ReadText(reader, GovernanceBounds.ReasonBytesMax);
        Law law = FindLaw((uint)numbers[0])!;
        var text = new byte[reader.ReadCount(GovernanceBounds.TextBytesMax, "bytes of a text")];
        reader.Read<byte>(text);
        var proposal = new Proposal
        {
            Number = (ulong)_proposals.Count + 1, Law = law, Version = (uint)numbers[1], Kind = (ProposalKind)numbers[2],
            Point = new ActivationPoint((PointKind)numbers[3], numbers[4]), PayloadHash = payload, TextHash = textHash, Proposer = proposer, DeviceKey = key,
            DeviceMaker = maker, FailureReason = reason, Text = text.Length == 0 ? null : new LawText(law.Name, (uint)numbers[1], text),
            Between = ReadLaws(reader), Bound = ReadLaws(reader),
        };
        reader.Expect(FindDevice(proposer) is not null, $"proposal {proposal.Number} is of a device that there is not");
        ReadList(reader, proposal.StepList, int.MaxValue, "steps of a proposal");
        ReadList(reader, proposal.VoteList, GovernanceBounds.DevicesMax, "votes");
        ReadList(reader, proposal.ReportList, GovernanceBounds.SandboxReportsMax, "reports");
        foreach (CastVote vote in proposal.Votes)
            reader.Expect(FindDevice(vote.Device) is not null, $"proposal {proposal.Number} has the vote of a device that there is not");
        Add(proposal);
        OpenCount += proposal.IsOpen ? 1 : 0;
        reader.Expect(!proposal.IsOpen || !proposal.HasText || proposal.Text is not null, $"the text of proposal {proposal.Number} is missing");
    }

    private List<Law> ReadLaws(SnapshotReader reader)
    {
        var laws = new List<Law>();
        for (int count = reader.ReadCount(GovernanceBounds.LawsMax, "parties"); count > 0; count--)
        {
            Law? law = FindLaw(reader.Read<ushort>());
            reader.Expect(law is not null, "a treaty is between laws that there are not");
            laws.Add(law);
        }

        return laws;
    }

    private void SaveParametersAndSchedule(SnapshotWriter writer)
    {
        writer.Write((ulong)_parameters.Count);
        foreach ((ParameterName name, ulong value) in Parameters)
            WriteParameter(writer, name, value);
        writer.Write((ulong)_schedule.Count);
        foreach (ScheduledChange change in _schedule)
        {
            writer.Write<ulong>([(ulong)change.Point.Kind, change.Point.Value, change.Order, change.Proposal?.Number ?? 0]);
            if (change.Proposal is null)
                WriteParameter(writer, change.Parameter, change.Value);
            LawActivation.SaveAttested(writer, change.Attested);
        }
    }

    private void LoadParametersAndSchedule(SnapshotReader reader)
    {
        for (int count = reader.ReadCount(GovernanceBounds.ParametersMax, "parameters"); count > 0; count--)
        {
            (ParameterName name, ulong value) = ReadParameter(reader);
            reader.Expect(_parameters.TryAdd(name, value), "a parameter is there twice");
        }

        Span<ulong> numbers = stackalloc ulong[4];
        for (int count = reader.ReadCount(GovernanceBounds.ScheduleMax, "scheduled changes"); count > 0; count--)
        {
            reader.Read(numbers);
            Proposal? proposal = FindProposal(numbers[3]);
            reader.Expect(numbers[3] == 0 || proposal is { Status: ProposalStatus.Scheduled }, "what is scheduled was not proposed");
            (ParameterName name, ulong value) = proposal is null ? ReadParameter(reader) : default;
            _schedule.Add(new ScheduledChange
            {
                Point = new ActivationPoint((PointKind)numbers[0], numbers[1]), Order = numbers[2], Proposal = proposal, Parameter = name, Value = value,
                Attested = LawActivation.LoadAttested(reader),
            });
        }
    }

    private static void WriteParameter(SnapshotWriter writer, ParameterName name, ulong value)
    {
        writer.Write(name.Currency);
        WriteText(writer, name.Name);
        writer.Write(value);
    }

    private static (ParameterName Name, ulong Value) ReadParameter(SnapshotReader reader)
    {
        ushort currency = reader.Read<ushort>();
        string name = ReadText(reader, GovernanceBounds.ParameterNameBytesMax);
        return (new ParameterName(currency, name), reader.Read<ulong>());
    }

    private static void WriteList<T>(SnapshotWriter writer, List<T> values)
        where T : unmanaged
    {
        writer.Write((ulong)values.Count);
        writer.Write<T>(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(values));
    }

    private static void ReadList<T>(SnapshotReader reader, List<T> values, int max, string what)
        where T : unmanaged
    {
        for (int count = reader.ReadCount(max, what); count > 0; count--)
            values.Add(reader.Read<T>());
    }

    internal static void WriteText(SnapshotWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ushort)bytes.Length);
        writer.Write<byte>(bytes);
    }

    internal static string ReadText(SnapshotReader reader, int bytesMax)
    {
        var bytes = new byte[reader.Read<ushort>()];
        reader.Expect(bytes.Length <= bytesMax, $"a name of {bytes.Length} bytes");
        reader.Read<byte>(bytes);
        return Encoding.UTF8.GetString(bytes);
    }
}

// What was built, in a snapshot: its rule table, from which the plan is made again.
public sealed partial class LawActivation
{
    internal void Save(SnapshotWriter writer)
    {
        LawBook.WriteText(writer, DatesFault);
        writer.Write(_today);
        SaveAttested(writer, _dates);
        writer.Write(InForce is null ? (byte)0 : (byte)1);
        if (InForce is not { } inForce)
            return;
        writer.Write(inForce.Laws);
        writer.Write<int>([inForce.Day, inForce.Build.NextChangeDay ?? -1]);
        writer.Write(inForce.IsAttested ? (byte)1 : (byte)0);
        writer.Write((ulong)inForce.Build.Origins.Count);
        foreach ((ushort rule, string law) in inForce.Build.Origins)
            writer.Write<ushort>([rule, _book.FindLaw(law)!.Number]);
    }

    /// <summary>After the law book and the rules in force.</summary>
    internal void Load(SnapshotReader reader)
    {
        DatesFault = LawBook.ReadText(reader, GovernanceBounds.ReasonBytesMax);
        _today = reader.Read<int>();
        _dates = LoadAttested(reader);
        if (reader.Read<byte>() == 1)
        {
            Digest laws = reader.Read<Digest>();
            int day = reader.Read<int>();
            int next = reader.Read<int>();
            bool attested = reader.Read<byte>() == 1;
            var origins = new List<(ushort, string)>();
            for (int count = reader.ReadCount(RuleBounds.RulesMax, "rules with an origin"); count > 0; count--)
            {
                ushort rule = reader.Read<ushort>();
                Law? law = _book.FindLaw(reader.Read<ushort>());
                reader.Expect(law is not null, $"rule {rule} is of a law that there is not");
                origins.Add((rule, law.Name));
            }

            reader.Expect(_state.Rules is not null, "laws are in force without a rule table");
            var build = new LawBuild { Plan = _state.Rules, NextChangeDay = next < 0 ? null : next, Origins = origins };
            InForce = new LawsInForce(laws, day, build, attested);
        }

        NoteChange();
        AwaitAttested();
    }

    internal static void SaveAttested(SnapshotWriter writer, (Digest Laws, int Day, LawBuild Build)? attested)
    {
        writer.Write(attested is null ? (byte)0 : (byte)1);
        if (attested is not var (laws, day, build))
            return;
        writer.Write(laws);
        writer.Write<int>([day, build.NextChangeDay ?? -1]);
        ReadOnlySpan<byte> table = build.Plan is { } plan ? plan.Table.Encode() : default;
        writer.Write((ulong)table.Length);
        writer.Write(table);
        LawBook.WriteText(writer, GovernanceText.Shorten(build.Fault ?? "", GovernanceBounds.ReasonBytesMax));
    }

    internal static (Digest Laws, int Day, LawBuild Build)? LoadAttested(SnapshotReader reader)
    {
        if (reader.Read<byte>() == 0)
            return null;
        Digest laws = reader.Read<Digest>();
        int day = reader.Read<int>();
        int next = reader.Read<int>();
        var encoded = new byte[reader.ReadCount(RuleBounds.TableBytesMax, "bytes of rules to come")];
        reader.Read<byte>(encoded);
        string fault = LawBook.ReadText(reader, GovernanceBounds.ReasonBytesMax);
        if (encoded.Length == 0)
        {
            reader.Expect(fault.Length > 0, "rules to come have neither a table nor a fault");
            return (laws, day, LawBuild.Failed(fault));
        }

        RulePlan? plan = null;
        reader.Expect(
            RuleTable.TryDecode(encoded, out RuleTable? table, out _) && RulePlan.TryBuild(table!, Iso4217.OwnerCountry, out plan, out _),
            "a rule table to come cannot be built");
        return (laws, day, new LawBuild { Plan = plan, NextChangeDay = next < 0 ? null : next });
    }
}
