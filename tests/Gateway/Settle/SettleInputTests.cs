using System.Diagnostics;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>What `settle` reads, in every form that is promised, and what it says of input and options that cannot be used.</summary>
public sealed class SettleInputTests
{
    private const string Header = SettleFolder.PaymentsHeader;

    private SettleFolder _folder = null!;
    private string _wallets = null!;

    [SetUp]
    public void Make()
    {
        _folder = new SettleFolder();
        _wallets = _folder.Write("wallets.csv", SettleFolder.FourWallets);
    }

    [TearDown]
    public void Remove() => _folder.Dispose();

    [TestCase("payee,currency,amount,payer,id\n3,EUR,10.00,1,\n", TestName = "Columns_may_stand_in_any_order")]
    [TestCase(Header + ",1,3,10.00,978\n", TestName = "A_currency_may_be_its_number")]
    [TestCase(Header + "a1b2c3d4-0000-4000-8000-000000000001,1,3,10,EUR\r\n", TestName = "An_id_may_be_a_uuid")]
    [TestCase(Header + "orders:1,1,3,10,EUR", TestName = "An_id_may_be_a_stream_and_a_number")]
    [TestCase("\uFEFFid,payer,payee,amount,currency,instruction\n,1,3,\"10.00\",EUR,immediate\n", TestName = "Instruction_quotes_and_byte_order_mark_are_read")]
    public void A_form_of_payments_file_is_settled(string text)
    {
        SettleResult result = _folder.Settle("--wallets", _wallets, _folder.Write("payments.csv", text)).Exits(0);
        Assert.That(result.Count("accepted"), Is.EqualTo(1));
        Assert.That(_folder.ReportLines("balances.csv"), Does.Contain("1,EUR,90.00,0.00,0.00"));
    }

    [Test]
    public void A_file_and_its_gzip_are_one_content()
    {
        string wallets = _folder.Write("wallets.csv.gz", SettleFolder.FourWallets);
        _folder.Settle("--wallets", wallets, _folder.Write("payments.csv.gz", Header + ",1,3,10.00,EUR\n")).Exits(0);
        SettleResult plain = _folder.Settle("--wallets", _wallets, _folder.Write("payments.csv", Header + ",1,3,10.00,EUR\n")).Exits(0);
        Assert.That(plain.Count("duplicate"), Is.EqualTo(1));
    }

    [TestCase("", "line 1: the file is empty; expected a header")]
    [TestCase("id,payer,payee,amount\n", "line 1: the column currency is missing")]
    [TestCase("id,payer,payee,amount,currency,colour\n", "line 1, column 6 of the header: expected", "found \"colour\"")]
    [TestCase(Header + ",1,3,10.00,EUR\n,1,3,10.00\n", "line 3: expected 5 fields as in the header, found 4")]
    [TestCase(Header + ",1,3,10.00,EUR\n,1,3,10.005,EUR\n", "line 3, column amount: expected", "found \"10.005\"")]
    [TestCase(Header + ",1,3,-1,EUR\n", "line 2, column amount: expected", "found \"-1\"")]
    [TestCase(Header + ",1,3,1e3,EUR\n", "line 2, column amount: expected", "found \"1e3\"")]
    [TestCase(Header + ",1,3,99999999999999999999,EUR\n", "line 2, column amount: expected", "found \"99999999999999999999\"")]
    [TestCase(Header + ",1,3,10.00,EUX\n", "line 2, column currency: expected an ISO 4217 currency", "found \"EUX\"")]
    [TestCase(Header + ",1,3,10.00,\n", "line 2, column currency: expected", "found nothing")]
    [TestCase(Header + ",one,3,10.00,EUR\n", "line 2, column payer: expected a wallet's number", "found \"one\"")]
    [TestCase(Header + ",1,0,10.00,EUR\n", "line 2, column payee: expected a wallet's number", "found \"0\"")]
    [TestCase(Header + "x,1,3,10.00,EUR\n", "line 2, column id: expected a UUID or stream:sequence", "found \"x\"")]
    [TestCase("id,payer,payee,amount,currency,instruction\n,1,3,1,EUR,gift\n", "line 2, column instruction: expected one of", "found \"gift\"")]
    [TestCase("id,payer,payee,amount,currency,valid_until\n,1,3,1,EUR,tomorrow\n", "line 2, column valid_until: expected", "found \"tomorrow\"")]
    [TestCase("id,payer,payee,amount,currency,level\n,1,3,1,EUR,256\n", "line 2, column level: expected a level from 0 to 255", "found \"256\"")]
    [TestCase("id,payer,payee,amount,currency,purpose\n,1,3,1,EUR,fun\n", "line 2, column purpose: expected", "found \"fun\"")]
    [TestCase("<Document/>", "a pain.001 file needs --accounts FILE")]
    public void An_unusable_payments_file_ends_with_code_2_and_says_where_and_what(string text, params string[] said)
    {
        string payments = _folder.Write("payments.csv", text);
        SettleResult result = _folder.Settle("--wallets", _wallets, payments).Exits(2);
        foreach (string part in said)
            Assert.That(result.Error, Does.Contain(part));
        Assert.That(result.Error, Does.StartWith(payments));
        Assert.That(result.Number("payments"), Is.Zero, "nothing of the file was settled");
    }

    [TestCase("1,DE,alpha,EUR,100.00\n2,DE,alpha,EUR,1.001\n", "line 3, column opening: expected", "found \"1.001\"")]
    [TestCase("1,DE,alpha,EUR,100.00\n2,XX,alpha,EUR,1\n", "line 3, column country: expected an ISO 3166 country", "found \"XX\"")]
    [TestCase("1,DE,alpha,EUR,100.00\n1,FR,alpha,USD,1\n", "line 3, column country: expected the same as for wallet 1 in line 2", "found \"FR\"")]
    [TestCase("1,DE,alpha,EUR,100.00\n1,DE,alpha,EUR,1\n", "line 3, column currency: expected another currency for wallet 1 than in line 2")]
    [TestCase("1,DE,,EUR,100.00\n", "line 2, column participant: expected a participant's name", "found nothing")]
    public void A_bad_wallets_file_makes_no_ledger_and_opens_nothing_in_one_that_is_there(string lines, params string[] said)
    {
        string bad = _folder.Write("bad.csv", SettleFolder.WalletsHeader + lines);
        SettleResult result = _folder.Settle("--wallets", bad).Exits(2);
        foreach (string part in said)
            Assert.That(result.Error, Does.Contain(part));
        Assert.That(Directory.Exists(_folder.Journal), Is.False);

        long sequence = _folder.Settle("--wallets", _wallets).Exits(0).Number("sequence");
        string balances = _folder.Balances;
        _folder.Settle("--wallets", bad).Exits(2);
        Assert.That(_folder.Settle().Exits(0).Number("sequence"), Is.EqualTo(sequence));
        Assert.That(_folder.Balances, Is.EqualTo(balances));
    }

    [Test]
    public void A_bad_line_at_the_end_of_a_file_settles_nothing_of_it_and_the_corrected_file_settles_once()
    {
        string good = _folder.Write("good.csv", Header + ",4,3,1.00,EUR\n");
        string payments = _folder.Write("payments.csv", Header + ",1,3,10.00,EUR\n,1,3,20.00,EUR\n,1,3,oops,EUR\n");
        SettleResult bad = _folder.Settle("--wallets", _wallets, good, payments).Exits(2);
        Assert.That(bad.Error, Does.Contain("payments.csv, line 4, column amount").And.Contain("found \"oops\"").And.Contain("run the same command again"));
        Assert.That(bad.Count("accepted"), Is.EqualTo(1), "what was decided before stays decided");
        Assert.That(_folder.ReportLines("balances.csv"), Does.Contain("1,EUR,100.00,0.00,0.00").And.Contain("4,EUR,99.00,0.00,0.00"));

        File.WriteAllText(payments, Header + ",1,3,10.00,EUR\n,1,3,20.00,EUR\n,1,3,30.00,EUR\n");
        SettleResult corrected = _folder.Settle("--wallets", _wallets, good, payments).Exits(0);
        Assert.That((corrected.Count("accepted"), corrected.Count("duplicate")), Is.EqualTo((3L, 1L)));
        Assert.That(_folder.ReportLines("balances.csv"), Does.Contain("1,EUR,40.00,0.00,0.00"));
    }

    [Test]
    public void A_growing_file_under_a_named_stream_settles_its_new_lines()
    {
        string payments = _folder.Write("payments.csv", Header + ",1,3,1.00,EUR\n,1,3,2.00,EUR\n");
        _folder.Settle("--wallets", _wallets, "--stream", "till 7", payments).Exits(0);
        File.AppendAllText(payments, ",1,3,3.00,EUR\n");
        SettleResult grown = _folder.Settle("--stream", "till 7", payments).Exits(0);
        Assert.That((grown.Count("accepted"), grown.Count("duplicate")), Is.EqualTo((1L, 2L)));
        Assert.That(_folder.ReportLines("balances.csv"), Does.Contain("1,EUR,94.00,0.00,0.00"));
    }

    [Test]
    public void One_named_stream_is_not_for_two_files()
    {
        string one = _folder.Write("one.csv", Header + ",1,3,1.00,EUR\n");
        string two = _folder.Write("two.csv", Header + ",1,3,2.00,EUR\n");
        SettleResult result = _folder.Settle("--wallets", _wallets, "--stream", "till", one, two).Exits(2);
        Assert.That(result.Error, Does.Contain("--stream").And.Contain("one file"));
        Assert.That(Directory.Exists(_folder.Journal), Is.False);
    }

    [Test]
    public void Standard_input_is_settled_under_its_stream_and_what_stands_before_a_bad_line_stays_decided()
    {
        _folder.Settle("--wallets", _wallets).Exits(0);
        SettleResult nameless = SettleFolder.RunProcess(Header + ",1,3,1.00,EUR\n", _folder.Words("-")).Exits(2);
        Assert.That(nameless.Error, Does.StartWith("standard input, line 2, column id").And.Contain("--stream NAME"));

        string[] words = _folder.Words("-", "--stream", "till");
        SettleResult bad = SettleFolder.RunProcess(Header + ",1,3,1.00,EUR\n,1,3,?,EUR\n", words).Exits(2);
        Assert.That(bad.Error, Does.StartWith("standard input, line 3, column amount"));
        Assert.That(bad.Count("accepted"), Is.EqualTo(1));
        SettleResult corrected = SettleFolder.RunProcess(Header + ",1,3,1.00,EUR\n,1,3,2.00,EUR\n", words).Exits(0);
        Assert.That((corrected.Count("accepted"), corrected.Count("duplicate")), Is.EqualTo((1L, 1L)));
        Assert.That(_folder.ReportLines("balances.csv"), Does.Contain("1,EUR,97.00,0.00,0.00"));
    }

    [TestCase("no such file", "nowhere.csv")]
    [TestCase("no such file", "--wallets", "nowhere.csv")]
    [TestCase("no such file", "--rules", "nowhere.json")]
    [TestCase("no such file", "--accounts", "nowhere.csv")]
    [TestCase("--wallets", "--wallets", "-")]
    [TestCase("--batch-count 'many': expected a whole number", "--batch-count", "many")]
    [TestCase("--batch-count '-1': expected a whole number", "--batch-count=-1")]
    [TestCase("--batch-age '5': expected a number with ms, s, m, h or d", "--batch-age", "5")]
    [TestCase("--window 'none': expected a number with ms, s, m, h or d", "--window", "none")]
    [TestCase("--retention '-3d': expected", "--retention=-3d")]
    [TestCase("--batch-value 'EUR:many': expected a decimal amount", "--batch-value", "EUR:many")]
    [TestCase("--batch-value 'EUX:5': 'EUX' is no currency of ISO 4217", "--batch-value", "EUX:5")]
    [TestCase("--batch-value USD: the ledger has no such currency", "--batch-value", "USD:5")]
    [TestCase("--batch-value '5.001': expected", "--batch-value", "5.001")]
    [TestCase("--clock 'yesterday': expected", "--clock", "yesterday")]
    [TestCase("--clearance '256': expected a whole number from 0 to 255", "--clearance", "256")]
    [TestCase("--id-memory '5': expected a size from 1M", "--id-memory", "5")]
    [TestCase("--capacity '0': expected a whole number from 1 to", "--capacity", "0")]
    [TestCase("--verdicts 'some': expected refused or all", "--verdicts", "some")]
    [TestCase("--settled 1: no batch is closed", "--settled", "1")]
    [TestCase("--settled 0: no batch is closed", "--settled", "0")]
    [TestCase("--colour", "--colour")]
    public void An_option_that_cannot_be_used_ends_with_code_2_before_anything_is_submitted(string said, params string[] words)
    {
        string payments = _folder.Write("payments.csv", Header + ",1,3,1.00,EUR\n");
        // Of an option that is given twice the later one counts, so those of the folder's are left out.
        SettleResult result = SettleFolder.Run(["settle", "--journal", _folder.Journal, "--json", payments, .. words.Contains("--wallets") ? words : [.. words, "--wallets", _wallets]]).Exits(2);
        Assert.That(result.Error, Does.Contain(said));
        Assert.That(result.Output, Is.Empty);
        Assert.That(result.Error, Does.Not.Contain("   at "), "a sentence, no stack");
        Assert.That(_folder.Settle().Exits(0).Number("sequence"), Is.EqualTo(2), "a new ledger's two cut-offs, and nothing before");
    }

    [Test]
    public void A_journal_must_be_named()
    {
        SettleResult result = SettleFolder.Run("settle", "--wallets", _wallets).Exits(2);
        Assert.That(result.Error, Does.StartWith("--journal DIR is missing"));
    }

    [Test]
    public void A_journal_or_report_that_cannot_be_a_folder_is_refused_with_a_sentence()
    {
        string file = _folder.Write("file", "");
        Assert.That(SettleFolder.Run("settle", "--journal", file).Exits(2).Error, Does.Contain(file).And.Not.Contain("   at "));
        Assert.That(SettleFolder.Run("settle", "--journal", "/proc/settlement").Exits(2).Error, Does.Contain("/proc/settlement").And.Not.Contain("   at "));
        Assert.That(SettleFolder.Run("settle", "--journal", _folder.Journal, "--report", file).Exits(2).Error, Does.Contain(file).And.Not.Contain("   at "));
    }

    [Test]
    public void A_journal_that_another_process_has_open_is_refused_and_not_disturbed()
    {
        _folder.Settle("--wallets", _wallets).Exits(0);
        using Process holder = SettleFolder.Start("settle", "--journal", _folder.Journal, "-", "--stream", "till", "--json");
        string owner = Path.Combine(_folder.Journal, "journal.owner");
        Assert.That(() => File.ReadAllText(owner), Is.EqualTo($"{holder.Id}").After(20_000, 20));
        SettleResult result = SettleFolder.Run("settle", "--journal", _folder.Journal).Exits(2);
        Assert.That(result.Error, Does.Contain($"already open in process {holder.Id}"));

        holder.StandardInput.Write(Header + ",1,3,1.00,EUR\n");
        holder.StandardInput.Close();
        string output = holder.StandardOutput.ReadToEnd();
        holder.WaitForExit();
        Assert.That(holder.ExitCode, Is.Zero, output);
        Assert.That(output, Does.Contain("\"accepted\":1"));
    }

    /// <summary>A full disk, where a small file system can be mounted: the run stops with a sentence, and goes on from there with room again.</summary>
    [Test]
    public void A_full_disk_stops_the_run_and_nothing_that_was_shown_is_lost()
    {
        string disk = Directory.CreateDirectory(_folder.PathOf("disk")).FullName;
        if (!OperatingSystem.IsLinux() || Mount("mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", disk) != 0)
            Assert.Ignore("a small file system cannot be mounted here");
        try
        {
            const int Lines = 1_000_000;
            string payments = _folder.PathOf("payments.csv");
            File.WriteAllLines(payments, Enumerable.Range(0, Lines).Select(line => $",{1 + (line % 4)},{1 + ((line + 1) % 4)},0.01,EUR").Prepend(Header.TrimEnd()));
            string[] words = ["settle", "--journal", Path.Combine(disk, "journal"), "--report", _folder.Report, "--json", "--verdicts", "all", "--wallets", _wallets, payments];
            SettleResult unborn = SettleFolder.Run(words);
            Assert.That(unborn.Code, Is.AnyOf(1, 2));
            Assert.That(unborn.Error, Does.Contain("disk").And.Not.Contain("   at "), "no room for the journal's first block");

            Assert.That(Mount("mount", "-o", "remount,size=48m", disk), Is.Zero);
            SettleResult full = SettleFolder.Run(words);
            Assert.That(full.Code, Is.EqualTo(1), full.Output + full.Error);
            Assert.That(full.Error, Does.Contain("journal.log.0").And.Contain("disk full").And.Contain("What was acknowledged is durable").And.Not.Contain("   at "));
            long shown = _folder.ReportLines("verdicts.csv").Skip(1).LongCount(line => line.EndsWith(",accepted", StringComparison.Ordinal));

            Assert.That(Mount("mount", "-o", "remount,size=512m", disk), Is.Zero);
            SettleResult resumed = SettleFolder.Run(words).Exits(0);
            Assert.That(resumed.Count("accepted") + resumed.Count("duplicate") + resumed.Count("duplicate_look_up"), Is.EqualTo(Lines));
            Assert.That(resumed.Count("accepted"), Is.LessThanOrEqualTo(Lines - shown).And.GreaterThan(0));
        }
        finally
        {
            Mount("umount", disk);
        }
    }

    private static int Mount(string program, params string[] words)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, words) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1; // no such program
        }
    }
}
