using System.Globalization;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Tests.Gateway.Wire;

namespace Settlement.Tests.Gateway.Operating;

/// <summary>The operator's verbs over a server that has the ledger: the first contact of a participant, and its end.</summary>
public sealed class RunningServerTests
{
    private TemporaryFolder _folder = null!;
    private ServedLedger _served = null!;

    [SetUp]
    public void Start()
    {
        _folder = new TemporaryFolder();
        _served = new ServedLedger();
    }

    [TearDown]
    public void Stop()
    {
        _served.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void A_participant_is_added_connects_and_is_cut_off_again()
    {
        OperatorRun.Of("key", "new", _folder.PathOf("alpha.pem")).Exits(0);
        At("participant", "add", "alpha", "--key", _folder.PathOf("alpha.pub"), "--clearance", "10").Exits(0).Says("Participant 1 is 'alpha'", "its session 2, clearance 10");
        At("participant", "add", "beta").Exits(0).Says("Participant 2 is 'beta'");
        At("participant", "add", "alpha").Exits(0).Says("Participant 1 was 'alpha' before");
        using ECDsa key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(_folder.PathOf("alpha.pem")));
        using RawClient client = RawClient.Open(_served.Binary, key, out SessionBody session);
        Assert.That((session.Session, session.Participant, session.Clearance), Is.EqualTo(((ushort)2, (ushort)1, (byte)10)));
        At("key", "revoke", _folder.PathOf("alpha.pub"), "--session", "2").Exits(0).Says("is revoked");
        client.ExpectEnd(RefusalCode.SessionEnded);
    }

    [Test]
    public void A_session_is_opened_once_however_many_there_are()
    {
        for (int session = 2; session <= 70; session += 17)
            At("session", "open", "--participant", "0", "--operator", "--clearance", session.ToString(CultureInfo.InvariantCulture)).Exits(0);
        At("session", "open", "--participant", "operator", "--clearance", "1").Exits(0).Says("Session 7 of participant 0 is open");
        At("session", "close", "7").Exits(0).Says("Session 7 is closed.");
    }

    [Test]
    public void A_key_that_is_taken_leaves_no_open_session_behind()
    {
        OperatorRun.Of("key", "new", _folder.PathOf("one.pem")).Exits(0);
        At("participant", "add", "alpha", "--key", _folder.PathOf("one.pub")).Exits(0).Says("its session 2");
        At("participant", "add", "beta", "--key", _folder.PathOf("one.pub")).Exits(1).Says("speaks for another session");
        At("session", "close", "3").Exits(0).Says("was closed before");
    }

    [Test]
    public void Who_is_no_operator_is_refused_and_a_stranger_does_not_come_in()
    {
        OperatorRun.Of("key", "new", _folder.PathOf("alpha.pem")).Exits(0);
        At("participant", "add", "alpha", "--key", _folder.PathOf("alpha.pub")).Exits(0);
        As("alpha.pem", "participant", "add", "gamma").Exits(1).Says("may not send this command");
        OperatorRun.Of("key", "new", _folder.PathOf("stranger.pem")).Exits(0);
        As("stranger.pem", "participant", "add", "gamma").Exits(1).Says("did not take it");
        At("participant", "list").Exits(1).Says("A server does not tell");
    }

    private OperatorRun As(string key, params string[] words) => OperatorRun.Of([.. words, "--connect", _served.Binary.ToString(), "--plain", "--as", _folder.PathOf(key)]);

    private OperatorRun At(params string[] words) =>
        OperatorRun.Of([.. words, "--connect", _served.BinaryTls.ToString(), "--server-certificate", Path.Combine(_served.Data, "tls", "server.pem"), "--as", Path.Combine(_served.Data, "keys", "operator.pem")]);
}
