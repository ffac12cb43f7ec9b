using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>The bytes that gateway/PROTOCOL.md pictures.</summary>
internal sealed class WireLayoutTests
{
    [Test]
    public void A_frames_header() => Expect<FrameHeader>(16, ("Bytes", 0), ("Kind", 4), ("Flags", 5), ("Reserved", 6), ("Number", 8));

    [Test]
    public void A_hello() => Expect<HelloBody>(40, ("Magic", 0), ("VersionFirst", 4), ("VersionLast", 6), ("Nonce", 8));

    [Test]
    public void A_challenge() => Expect<ChallengeBody>(
        64, ("Version", 0), ("Reserved", 2), ("FramePaymentsMax", 4), ("LedgerId", 8), ("Nonce", 24), ("SilenceMsMax", 56), ("AuthenticationMsMax", 60));

    [Test]
    public void An_authentication() => Expect<AuthenticateBody>(24, ("Kind", 0), ("SignatureBytes", 4), ("KeyId", 8));

    [Test]
    public void A_session() => Expect<SessionBody>(
        32, ("Session", 0), ("Participant", 2), ("Clearance", 4), ("Flags", 5), ("Credit", 8), ("Sequence", 16), ("TimeNs", 24));

    [Test]
    public void Payments() => Expect<PaymentsBody>(16, ("Count", 0), ("EvidenceBytes", 4), ("Reserved", 8));

    [Test]
    public void Evidence() => Expect<EvidenceEntry>(16, ("Kind", 0), ("Scheme", 1), ("Length", 2), ("Index", 4), ("Key", 8));

    [Test]
    public void Verdicts() => Expect<VerdictsBody>(24, ("Count", 0), ("Listed", 4), ("FirstSequence", 8), ("Batch", 16), ("Accepted", 20));

    [Test]
    public void A_verdict_and_a_balance()
    {
        Expect<VerdictEntry>(8, ("Index", 0), ("Verdict", 2), ("First", 3), ("Rule", 4), ("BatchesLater", 6));
        Expect<BalanceEntry>(8, ("Available", 0));
    }

    [Test]
    public void Questions()
    {
        Expect<CountBody>(8, ("Count", 0), ("Reserved", 4));
        Expect<AnswersBody>(24, ("Count", 0), ("Reserved", 4), ("AsOfSequence", 8), ("TimeNs", 16));
        Expect<AskedId>(24, ("IdLow", 0), ("IdHigh", 8), ("Flags", 16), ("Reserved1", 17), ("Reserved2", 18), ("Reserved3", 20));
        Expect<IdAnswer>(8, ("Knowledge", 0), ("Verdict", 1), ("Reserved1", 2), ("Reserved2", 4));
        Expect<StreamAnswer>(24, ("Stream", 0), ("LowestMissing", 8), ("HighestDecided", 16));
        Expect<AskedAccount>(16, ("Wallet", 0), ("Currency", 8), ("Reserved1", 10), ("Reserved2", 12));
        Expect<AccountAnswer>(40, ("Wallet", 0), ("Available", 8), ("Pending", 16), ("Held", 24), ("Currency", 32), ("IsKnown", 34), ("Status", 35), ("Reserved", 36));
    }

    [Test]
    public void A_refusal() => Expect<RefusalBody>(8, ("Code", 0), ("Closes", 2), ("Fate", 3), ("AddressBytes", 4), ("Reserved2", 6));

    [Test]
    public void What_is_signed_to_open_a_session()
    {
        Nonce client = default;
        Nonce server = default;
        ((Span<byte>)client).Fill(1);
        ((Span<byte>)server).Fill(2);
        Digest certificate = Digest.From(SHA256.HashData("certificate"u8));
        var message = new byte[SessionMessage.Size];
        SessionMessage.Write(((UInt128)3 << 64) | 4, in client, in server, in certificate, message);
        byte[] pictured =
        [
            .. "settlement session v1"u8, .. new byte[11], 4, .. new byte[7], 3, .. new byte[7], .. Enumerable.Repeat((byte)1, 32), .. Enumerable.Repeat((byte)2, 32),
            .. SHA256.HashData("certificate"u8),
        ];
        Assert.That(message, Is.EqualTo(pictured));
    }

    [Test]
    public void The_bounds_are_those_of_the_page()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "gateway", "PROTOCOL.md"));
        Assert.That(WireLimits.BodyBytesMax, Is.EqualTo(16 + (8_190 * 64) + 655_200));
        Assert.That(page, Does.Contain("16 + 8,190 x 64 + 655,200"));
        Assert.That(BitConverter.GetBytes(WireLimits.Magic), Is.EqualTo("STLW"u8.ToArray()));
        foreach (RefusalCode code in Enum.GetValues<RefusalCode>().Where(code => code != RefusalCode.None))
            Assert.That(page, Does.Contain($"| {(int)code} "), code.ToString());
        foreach (FrameKind kind in Enum.GetValues<FrameKind>().Where(kind => kind != FrameKind.None))
            Assert.That(page, Does.Match($@"\b{(int)kind} {kind}\b"));
    }

    private static void Expect<T>(int size, params (string Field, int Offset)[] fields)
        where T : unmanaged
    {
        Assert.That(Unsafe.SizeOf<T>(), Is.EqualTo(size));
        Assert.That(typeof(T).GetFields().Where(field => !field.IsLiteral).Select(field => field.Name), Is.EquivalentTo(fields.Select(field => field.Field)));
        foreach ((string field, int offset) in fields)
            Assert.That((int)Marshal.OffsetOf<T>(field), Is.EqualTo(offset), field);
    }
}
