using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Reply;
using Settlement.Tests.Dedup;
using Settlement.Tests.Live;

namespace Settlement.Tests.Governance;

/// <summary>
/// A node that is governed, as a process: founded, voted, scheduled, its laws coming into force between payments, killed (-9) at steps drawn at random and started
/// again. Every outcome that a killed run had shown is the journal's, and at the end the laws are in force where they were scheduled.
/// </summary>
[Category(LongRun.Category)]
internal sealed class GovernanceCrashTests
{
    private const int Kills = 12;
    private const ulong FirstLawAt = 20_000;
    private const ulong SecondLawAt = 40_000;
    private const ulong PaymentsEnd = 64_000;
    private static readonly string[] s_devices = ["us1", "us2", "us3", "in1", "in2"];

    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test, CancelAfter(300_000)]
    public void Nothing_acknowledged_is_lost_however_often_a_governed_node_is_killed()
    {
        Random random = PrintedSeed.Create();
        string keys = _folder.PathOf("keys");
        foreach (string device in s_devices)
        {
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            File.AppendAllText(keys, Convert.ToBase64String(key.ExportECPrivateKey()) + "\n");
        }

        string journal = _folder.PathOf("journal");
        var shown = new Dictionary<ulong, string>();
        int kills = 0;
        for (int run = 0; run < Kills; run++)
            kills += Run(journal, keys, run % 2 == 0 ? random.Next(1, 28) : random.Next(28, 60), shown) ? 1 : 0;
        Assert.That(Run(journal, keys, int.MaxValue, shown), Is.False);
        TestContext.Out.WriteLine($"{kills} kills, {shown.Count} outcomes shown");
        Assert.That(kills, Is.GreaterThan(Kills / 2));

        using BlockReplay replay = Replay(journal, out List<Verdict> verdicts);
        foreach ((ulong sequence, string verdict) in shown)
            if (verdicts[(int)sequence - 1].ToString() != verdict)
                Assert.Fail($"sequence {sequence}: {verdict} was shown, the journal has {verdicts[(int)sequence - 1]}");
        LawBook book = replay.State.LawBook;
        Assert.That(book.FindLaw("us")!.Active!.Steps[^1], Has.Property(nameof(ProposalStep.Status)).EqualTo(ProposalStatus.Active).And.Property(nameof(ProposalStep.Sequence)).EqualTo(FirstLawAt));
        Assert.That(book.FindLaw("in")!.Active!.Steps[^1].Sequence, Is.EqualTo(SecondLawAt));
        Assert.That(book.Proposals, Has.Count.EqualTo(2));
        Assert.That(book.Devices, Has.Count.EqualTo(s_devices.Length));
        Assert.That(replay.State.Laws.InForce!.IsAttested, Is.True);
        replay.State.VerifyConservation();
    }

    /// <summary>The child: sends all of the script, each command when the one before is answered, and writes what it is told.</summary>
    public static int RunScript(string journal, string keyFile)
    {
        ECDsa[] keys = [.. File.ReadLines(keyFile).Select(line =>
        {
            ECDsa key = ECDsa.Create();
            key.ImportECPrivateKey(Convert.FromBase64String(line), out _);
            return key;
        })];
        using var teller = new Teller();
        Genesis genesis = LiveLedger.SmallGenesis();
        using Node node = Node.Open(journal, new NodeOptions
        {
            Journal = JournalOptions.Small, IdMemoryBytes = Deduplicator.IdMemoryBytesMin, Create = (7, genesis),
            Pipeline = new PipelineOptions { Compiler = new PlainCompiler() },
        }, teller, teller);
        foreach (Payment[] slots in Script(keys))
            Send(node, slots);
        // One at a time, so that kills fall everywhere; then many, up to where the laws come into force.
        for (ulong number = 1; ; number++)
        {
            node.Pipeline.Drain();
            ulong next = node.State.Sequence + 1;
            if (next >= PaymentsEnd)
                return 0;
            int count = number < 20 ? 1 : 500;
            Send(node, [.. Enumerable.Range(0, count).Select(i => Pay(next + (ulong)i))]);
        }
    }

    private static Payment Pay(ulong number) => LiveLedger.Pay(1 + (number % 2), 2 - (number % 2), 1, 9, number);

    private static void Send(Node node, Payment[] slots)
    {
        long first = node.Pipeline.Claim(slots.Length);
        for (int done = 0; done < slots.Length;)
        {
            Span<Payment> ring = node.Pipeline.Slots(first + done, slots.Length - done, out _);
            slots.AsSpan(done, ring.Length).CopyTo(ring);
            done += ring.Length;
        }

        node.Pipeline.Publish(first, slots.Length);
        node.Pipeline.Drain();
    }

    internal static IEnumerable<Payment[]> Script(ECDsa[] keys)
    {
        var bank = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = 1 };
        bank.SetName("central bank");
        yield return [LiveLedger.Slot(bank)];
        yield return [LiveLedger.Slot(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = LiveLedger.Euro, Scale = 2 })];
        foreach ((ulong wallet, ushort country) in ((ulong, ushort)[])[(1, 840), (2, 356)])
            yield return [LiveLedger.Slot(new ControlCommand
            {
                Instruction = Instruction.OpenWallet, Subject = wallet, Participant = 1, Country = country, Currency = LiveLedger.Euro,
            })];
        foreach (ulong wallet in (ulong[])[1, 2])
            yield return [new Payment
            {
                IdHigh = Limits.OpeningIdHigh | LiveLedger.Euro, IdLow = wallet, Payee = wallet, Amount = 1_000_000, Currency = LiveLedger.Euro,
                Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Limits.OperatorSession,
            }];
        for (int i = 0; i < keys.Length; i++)
            yield return Command(Instruction.RegisterDevice, new DeviceRegistration(NodeKey.Of(keys[i]), s_devices[i][..2], i % 2 == 0 ? "Acme" : "Borg").Encode());
        yield return Command(Instruction.FoundModule, new ModuleFounding("us", 2, 2, 2).Encode());
        yield return Command(Instruction.FoundModule, new ModuleFounding("in", 2, 2, 2).Encode());
        foreach (Payment[] step in Steps(1, ProposalPayload.OfText("us", 1, "module us 1\ndeny 840 356"), keys[..3], FirstLawAt))
            yield return step;
        foreach (Payment[] step in Steps(2, ProposalPayload.OfText("in", 1, "module in 1\ndeny 356 840"), keys[3..], SecondLawAt))
            yield return step;
    }

    private static IEnumerable<Payment[]> Steps(ulong number, ProposalPayload payload, ECDsa[] devices, ulong at)
    {
        yield return Command(Instruction.Propose, GovernanceMessage.Propose(7, payload, devices[0]).Encode());
        yield return Command(Instruction.RecordSandbox, new SandboxRecord(number, 1, 5, payload.Hash()).Encode());
        foreach (ECDsa device in devices)
            yield return Command(Instruction.Vote, GovernanceMessage.Vote(7, number, payload.Hash(), true, device).Encode());
        yield return Command(Instruction.Schedule, new ScheduleCommand(number, payload.Hash(), ActivationPoint.AtSequence(at)).Encode());
    }

    private static Payment[] Command(Instruction instruction, byte[] payload) => PayloadCommand.ToSlots(instruction, Limits.OperatorSession, payload);

    /// <returns>Whether it was killed before it ended.</returns>
    private static bool Run(string journal, string keys, int killAfterLines, Dictionary<ulong, string> shown)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, BuiltProgram.Tests), "governance-script", journal, keys]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        int lines = 0;
        bool killed = false;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (!line.EndsWith('.'))
                continue; // cut by the kill
            string[] words = line[..^1].Split(' ');
            ulong first = ulong.Parse(words[0], CultureInfo.InvariantCulture);
            for (int i = 1; i < words.Length; i++)
                shown[first + (ulong)i - 1] = words[i];
            if (++lines == killAfterLines)
            {
                killed = true;
                process.Kill();
            }
        }

        process.WaitForExit();
        Assert.That(killed || process.ExitCode == 0, $"the script ended with {process.ExitCode}");
        return killed;
    }

    private static BlockReplay Replay(string journal, out List<Verdict> verdicts)
    {
        verdicts = [];
        var replay = new BlockReplay(genesis => new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, new MemoryIdStore())) { Compiler = new PlainCompiler() };
        using JournalReader reader = JournalReader.Open(journal);
        while (reader.Next())
        {
            replay.Apply(reader.Header, reader.Body);
            foreach (Outcome outcome in replay.Outcomes)
                verdicts.Add(outcome.Verdict);
        }

        Assert.That(reader.End!.Kind, Is.Not.EqualTo(JournalEndKind.Damage), reader.End.What);
        return replay;
    }

    /// <summary>Writes each outcome as it is told, a call a line: the first sequence, the verdicts, a point.</summary>
    private sealed class Teller : IReplyPublisher, IBatchPublisher, IDisposable
    {
        private readonly StreamWriter _output = new(Console.OpenStandardOutput());

        public void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence)
        {
            _output.Write(firstSequence);
            foreach (Outcome outcome in outcomes)
            {
                _output.Write(' ');
                _output.Write(outcome.Verdict.ToString());
            }

            _output.WriteLine('.');
            _output.Flush();
        }

        public void OnClosed(ClosedBatch batch)
        {
        }

        public void Dispose() => _output.Dispose();
    }
}
