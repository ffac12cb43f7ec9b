using System.Globalization;
using System.Text.Json;
using Settlement.Replay;

namespace Settlement.Tests.Gateway.Operating;

/// <summary>The operator's verbs over a ledger that nobody else has open.</summary>
public sealed class StoppedLedgerTests
{
    private TemporaryFolder _folder = null!;

    private string Journal => _folder.PathOf("journal");

    [SetUp]
    public void Found()
    {
        _folder = new TemporaryFolder();
        OperatorRun.Of("init", "--journal", Journal, "--capacity", "1000").Exits(0);
    }

    [TearDown]
    public void Delete() => _folder.Dispose();

    [Test]
    public void A_participant_is_added_with_a_session_and_a_key_and_a_second_time_changes_nothing()
    {
        string key = NewKey("alpha");
        JsonElement added = At("participant", "add", "alpha", "--key", key, "--clearance", "10", "--json").Exits(0).Json;
        Assert.That((added.GetProperty("participant").GetInt32(), added.GetProperty("session").GetInt32(), added.GetProperty("new").GetBoolean()), Is.EqualTo((1, 2, true)));
        JsonElement again = At("participant", "add", "alpha", "--key", key, "--json").Exits(0).Json;
        Assert.That((again.GetProperty("participant").GetInt32(), again.GetProperty("session").GetInt32(), again.GetProperty("new").GetBoolean()), Is.EqualTo((1, 2, false)));
        JsonElement listed = At("session", "list", "--json").Exits(0).Json.GetProperty("sessions");
        Assert.That(listed.GetArrayLength(), Is.EqualTo(2));
        Assert.That(listed[1].GetProperty("keys")[0].GetString(), Is.EqualTo(added.GetProperty("key").GetString()));
        At("participant", "list").Exits(0).Says("alpha", "operator");
        At("participant", "add", "beta", "--key", key).Exits(1).Says("speaks for session 2 of alpha already");
    }

    [Test]
    public void A_key_file_is_its_owner_s_alone_and_is_never_written_over()
    {
        string path = _folder.PathOf("one.pem");
        OperatorRun.Of("key", "new", path).Exits(0);
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        string before = File.ReadAllText(path);
        OperatorRun.Of("key", "new", path).Exits(2).Says("never written over");
        Assert.That(File.ReadAllText(path), Is.EqualTo(before));
        At("key", "register", path, "--session", "1").Exits(2).Says("holds a private key");
        At("key", "register", _folder.PathOf("none.pub"), "--session", "1").Exits(2).Says("no such file");
        At("key", "register", Path.ChangeExtension(path, ".pub")).Exits(2).Says("one of two: --session N, or --wallet N");
    }

    [Test]
    public void A_key_that_was_revoked_never_comes_back()
    {
        string key = NewKey("op");
        At("key", "register", key, "--session", "1").Exits(0).Says("speaks for session 1");
        At("key", "register", key, "--session", "1").Exits(0).Says("nothing has changed");
        At("key", "revoke", key, "--session", "1").Exits(0).Says("is revoked");
        At("key", "revoke", key, "--session", "1").Exits(0).Says("was revoked before");
        At("key", "register", key, "--session", "1").Exits(1).Says("never comes back");
        At("key", "list").Exits(0).Says("revoked");
    }

    [Test]
    public void Sessions_are_opened_and_closed_but_never_the_operator_s_own()
    {
        At("participant", "add", "alpha").Exits(0);
        At("session", "open", "--participant", "alpha", "--clearance", "3", "--declassify").Exits(0).Says("Session 2 of alpha is open, clearance 3, may declassify.");
        At("session", "open", "--participant", "alpha", "--operator").Exits(2).Says("cannot be the operator's");
        At("session", "open", "--participant", "nobody").Exits(1).Says("no participant 'nobody'");
        At("session", "close", "2").Exits(0).Says("Session 2 is closed.");
        At("session", "close", "2").Exits(0).Says("was closed before");
        At("session", "close", "1").Exits(1).Says("stays");
        At("session", "close", "9").Exits(1).Says("no session 9");
    }

    [Test]
    public void A_wallet_s_owner_signs_what_is_changed_about_the_wallet()
    {
        Wallet();
        (string first, string second) = (NewKey("w1"), NewKey("w2"));
        string sign = Path.ChangeExtension(first, ".pem");
        At("consent", "set", "7", "signed").Exits(1).Says("fewer than 1 keys");
        At("key", "register", first, "--wallet", "7").Exits(0).Says("as its key 1");
        At("consent", "set", "7", "signed").Exits(0).Says("Wallet 7 is signed: 1 signature.");
        At("mandate", "give", "7", "--participant", "beta").Exits(1).Says("--sign FILE");
        At("key", "register", second, "--wallet", "7", "--sign", sign).Exits(0).Says("as its key 2");
        At("mandate", "give", "7", "--participant", "beta", "--until", "2030-01-01T00:00:00Z", "--sign", sign).Exits(0).Says("beta may debit wallet 7 until 2030-01-01T00:00:00Z.");
        At("wallet", "show", "7").Exits(0).Says("consent signed, 1 signatures", "mandate of beta until 2030");
        At("mandate", "withdraw", "7", "--participant", "beta", "--sign", sign).Exits(0).Says("may not debit");
        At("mandate", "give", "7", "--participant", "alpha", "--sign", sign).Exits(1).Says("answers for wallet 7 itself");
        At("consent", "set", "7", "custodial", "--signatures", "2").Exits(2).Says("nothing is signed");
    }

    [Test]
    public void Two_operators_words_stand_in_for_an_owner_who_lost_the_key()
    {
        Wallet();
        string lost = NewKey("lost");
        At("key", "register", lost, "--wallet", "7").Exits(0);
        At("consent", "set", "7", "signed").Exits(0);
        At("session", "open", "--participant", "operator", "--operator", "--clearance", "255").Exits(0);
        At("key", "revoke", lost, "--wallet", "7").Exits(1).Says("second operator's session");
        At("key", "revoke", lost, "--wallet", "7").Exits(1).Says("second operator's session");
        At("key", "revoke", lost, "--wallet", "7", "--from", "2").Exits(0).Says("is revoked");
    }

    [Test]
    public void A_chain_is_opened_by_its_owner_alone_and_replay_shows_it()
    {
        Wallet();
        string key = NewKey("w");
        At("key", "register", key, "--wallet", "7").Exits(0);
        At("consent", "set", "7", "stream").Exits(0);
        string[] chain =
        [
            "chain", "open", "7", "--participant", "beta", "--stream", "meter", "--currency", "EUR", "--at-most", "0.05", "--ceiling", "10.00",
            "--until", "2030-01-01T00:00:00Z", "--length", "200", "--seed", _folder.PathOf("seed"),
        ];
        At(chain).Exits(1).Says("Only the owner");
        At([.. chain, "--sign", Path.ChangeExtension(key, ".pem")]).Exits(0).Says("by 200 links: at most 0.05 EUR each and 10.00 together");
        using StringWriter output = new(), error = new();
        Assert.That(ReplayCommand.Run(["state", Journal, "--sessions", "--json"], output, error), Is.Zero, error.ToString());
        using (JsonDocument state = JsonDocument.Parse(output.ToString()))
        {
            JsonElement shown = state.RootElement.GetProperty("chains")[0];
            Assert.That((shown.GetProperty("wallet").GetString(), shown.GetProperty("ceiling").GetString(), shown.GetProperty("links").GetInt32()), Is.EqualTo(("7", "10.00", 200)));
            Assert.That(state.RootElement.GetProperty("consents")[0].GetProperty("consent").GetString(), Is.EqualTo("stream"));
        }

        output.GetStringBuilder().Clear();
        Assert.That(ReplayCommand.Run(["show", Journal, "--kind", "control"], output, error), Is.Zero, error.ToString());
        Assert.That(output.ToString(), Does.Contain("open_chain  wallet 7  participant beta").And.Contain("set_consent  wallet 7  consent stream").And.Contain("signed_by_keys 1"));
        string seed = File.ReadAllText(_folder.PathOf("seed")).Trim();
        Assert.That(output.ToString(), Does.Not.Contain(seed));
    }

    [TestCase("participant list", "Say which ledger, one of two")]
    [TestCase("session close 0 --journal j", "the index of a session")]
    [TestCase("wallet open 0 --journal j", "a wallet's number, from 1")]
    [TestCase("consent set 7 maybe --journal j", "custodial, signed or stream")]
    [TestCase("mandate give 7 --participant a --until soon --journal j", "--until 'soon'")]
    [TestCase("participant list --journal no/such", "There is no ledger in 'no/such'")]
    [TestCase("participant list --connect here --as k", "expected HOST:PORT")]
    [TestCase("participant list --connect 127.0.0.1:1", "--as FILE")]
    [TestCase("key list --journal j --connect 127.0.0.1:1 --as k", "one of two")]
    public void What_cannot_be_carried_out_ends_with_2_and_a_sentence(string words, string said) => OperatorRun.Of(words.Split(' ')).Exits(2).Says(said);

    private void Wallet()
    {
        At("participant", "add", "alpha").Exits(0);
        At("participant", "add", "beta").Exits(0);
        File.WriteAllText(_folder.PathOf("wallets.csv"), string.Create(CultureInfo.InvariantCulture, $"wallet,country,participant,currency,opening\n6,DE,alpha,EUR,10.00\n"));
        File.WriteAllText(_folder.PathOf("none.csv"), "id,payer,payee,amount,currency\n");
        OperatorRun.Of("settle", _folder.PathOf("none.csv"), "--wallets", _folder.PathOf("wallets.csv"), "--journal", Journal).Exits(0);
        At("wallet", "open", "7", "--participant", "alpha", "--country", "DE", "--currency", "EUR", "--kind", "person").Exits(0).Says("Wallet 7 of alpha has an account in EUR.");
    }

    private string NewKey(string name)
    {
        OperatorRun.Of("key", "new", _folder.PathOf($"{name}.pem")).Exits(0);
        return _folder.PathOf($"{name}.pub");
    }

    private OperatorRun At(params string[] words) => OperatorRun.Of([.. words, "--journal", Journal]);
}
