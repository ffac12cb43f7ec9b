using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Settlement.Replay.Prove;
using Settlement.Replay.Receipts;
using Settlement.Tests.Gateway.Settle;
using Settlement.Tests.Live;

namespace Settlement.Tests.Replay;

/// <summary>Receipts themselves: nothing in one can be changed, nothing but itself can be read from one, and anything may be given for one.</summary>
public sealed class ReceiptTests
{
    /// <summary>White space of JSON.</summary>
    private static readonly byte[] s_blank = [(byte)' ', (byte)'\t', (byte)'\r', (byte)'\n'];

    private static SettleFolder s_settled = null!;
    private static Genesis s_genesis;
    private static List<Use> s_payments = null!;
    private static List<ClosedBatch> s_sealed = null!;

    [OneTimeSetUp]
    public void SettleTheSample()
    {
        s_settled = new SettleFolder();
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        s_settled.Settle(
            "--wallets", Path.Combine(sample, "wallets.csv"), Path.Combine(sample, "payments.csv"), "--batch-count", "40", "--batch-age", "none").Exits(0);
        s_payments = [];
        s_sealed = [];
        using JournalWalk walk = JournalWalk.Open(s_settled.Journal, new WalkOptions());
        while (walk.Next())
        {
            s_sealed.AddRange(walk.ClosedNow);
            for (int i = 0; i < walk.Slots.Length && walk.Header.Kind == BlockKind.Payments; i++)
                s_payments.Add(new Use(walk.Header.FirstSequence + (ulong)i, walk.Slots[i], walk.Outcomes[i]));
        }

        s_genesis = walk.State.Genesis;
    }

    [OneTimeTearDown]
    public void DeleteTheSample() => s_settled.Dispose();

    [Test]
    public void Every_byte_of_a_receipt_that_is_changed_makes_it_invalid_or_unreadable()
    {
        byte[] good = Encoding.UTF8.GetBytes(Prove(Leaves(5)[20]).ToJson());
        Assert.That(IsValid(good));
        bool[] isBlank = BlankPlaces(good);
        Assert.That(isBlank.Count(blank => !blank), Is.GreaterThan(2_000));
        byte[] others = [.. "0123456789abcdef{}[],:\"\\ -.x"u8, 0, 0x80];
        var stillValid = new List<string>();
        for (int at = 0; at < good.Length; at++)
        {
            byte old = good[at];
            foreach (byte value in (byte[])[.. others, (byte)(old ^ 0x20), (byte)(old ^ 1), (byte)(old + 1), (byte)(old - 1)])
            {
                if (IsStillValid(good, isBlank, at, value))
                    stillValid.Add($"byte {at}, {(char)old} to {value}");
            }
        }

        Assert.That(stillValid, Is.Empty);
    }

    [Test, Category(LongRun.Category)]
    public void Any_byte_of_a_receipt_changed_to_any_other_makes_it_invalid_or_unreadable()
    {
        Random random = PrintedSeed.Create();
        byte[] good = Encoding.UTF8.GetBytes(Prove(Leaves(5)[20]).ToJson());
        bool[] isBlank = BlankPlaces(good);
        var run = new LongRun();
        for (int round = 0; run.MayGoOn(round); round++)
        {
            int at = random.Next(good.Length);
            byte value = (byte)random.Next(256);
            Assert.That(IsStillValid(good, isBlank, at, value), Is.False, $"byte {at} to {value}");
        }
    }

    [Test]
    public void A_byte_left_out_doubled_or_exchanged_with_the_next_makes_it_invalid_or_unreadable()
    {
        byte[] good = Encoding.UTF8.GetBytes(Prove(Leaves(5)[20]).ToJson());
        bool[] isBlank = BlankPlaces(good);
        var stillValid = new List<string>();
        for (int at = 0; at < good.Length; at++)
        {
            if (isBlank[at])
                continue;
            if (IsValid([.. good[..at], .. good[(at + 1)..]]))
                stillValid.Add($"without byte {at}");
            if (IsValid([.. good[..at], good[at], .. good[at..]]))
                stillValid.Add($"byte {at} twice");
            if (!isBlank[at + 1] && good[at] != good[at + 1] && IsValid([.. good[..at], good[at + 1], good[at], .. good[(at + 2)..]]))
                stillValid.Add($"bytes {at} and {at + 1} exchanged");
        }

        Assert.That(stillValid, Is.Empty);
    }

    [Test]
    public void White_space_between_words_is_the_readers_own()
    {
        string text = Prove(Leaves(5)[20]).ToJson();
        var compact = JsonNode.Parse(text)!.ToJsonString();
        Assert.That(compact, Has.Length.LessThan(text.Length - 200));
        Assert.That(IsValid(Encoding.UTF8.GetBytes(compact)));
        Assert.That(IsValid(Encoding.UTF8.GetBytes(" \r\n\t" + text.Replace("\n", "\r\n", StringComparison.Ordinal) + "\n\n")));
        Assert.That(IsValid(Encoding.UTF8.GetBytes(text + "{}")), Is.False);
        Assert.That(IsValid(Encoding.UTF8.GetBytes("\uFEFF" + text)), Is.False);
    }

    [Test]
    public void A_receipt_read_and_written_again_is_the_same_for_every_payment_of_the_sample()
    {
        int proven = 0;
        foreach (Use use in s_sealed.SelectMany(batch => Leaves((int)batch.Number)).Where((_, at) => at % 37 == 0))
        {
            Receipt receipt = Prove(use);
            string text = receipt.ToJson();
            Assert.That(ReceiptReader.TryRead(Encoding.UTF8.GetBytes(text), out Receipt? read, out string? fault), fault);
            Assert.That(read!.ToJson(), Is.EqualTo(text));
            Assert.That(read.Payment, Is.EqualTo(use.Payment), "all 64 bytes");
            Assert.That(ReceiptCheck.Of(read, s_genesis.NodeKey).IsValid);
            proven++;
        }

        Assert.That(proven, Is.GreaterThan(40));
    }

    [Test]
    public void Sibling_leaves_cannot_be_matched_by_guessing_the_payment_without_its_salt()
    {
        List<Use> leaves = Leaves(7);
        Assert.That(leaves, Has.Count.GreaterThanOrEqualTo(40));
        const int Shown = 5; // its fifteen siblings are the rest of leaves 0 to 15
        Receipt receipt = Prove(leaves[Shown]);
        using var salts = new LeafSalt(SaltKey());
        List<Digest> siblings = [.. receipt.Path.Siblings];
        Assert.That(siblings, Has.Count.EqualTo(15 + MerkleTree.ParentCount(leaves.Count) - 1));

        int matched = 0;
        for (int at = 0; at < MerkleTree.FanOut; at++)
        {
            if (at == Shown)
                continue;
            (ulong sequence, Payment truth, _) = leaves[at];
            Digest sibling = siblings[at < Shown ? at : at - 1];
            foreach (UInt128 salt in KnownToOutsiders(receipt, except: sequence, salts))
                Assert.That(MerkleTree.HashLeaf(salt, sequence, in truth), Is.Not.EqualTo(sibling), $"leaf {at}, guessed");
            // The same guess with the salt that only the ring has: so what was tried above is how a leaf is made.
            matched += MerkleTree.HashLeaf(SaltOf(salts, sequence), sequence, in truth) == sibling ? 1 : 0;
        }

        Assert.That(matched, Is.EqualTo(15));
    }

    [Test]
    public void A_batchs_totals_cannot_be_matched_by_guessing_them_without_their_salt()
    {
        Receipt receipt = Prove(Leaves(7)[5]);
        ClosedBatch truth = s_sealed[6];
        Assert.That((truth.Number, truth.Net.Count > 0, truth.Gross.Count > 0), Is.EqualTo((7UL, true, true)));
        using var salts = new LeafSalt(SaltKey());
        foreach (UInt128 salt in KnownToOutsiders(receipt, except: 0, salts))
            Assert.That(BatchHeader.CommitmentOf(truth, salt), Is.Not.EqualTo(receipt.Header.Commitment));
        Assert.That(BatchHeader.CommitmentOf(truth, salts.OfTotals(7)), Is.EqualTo(receipt.Header.Commitment));
    }

    [Test]
    public void A_receipt_holds_nothing_of_the_genesis_secret_of_the_state_or_of_the_private_key()
    {
        string text = Prove(Leaves(7)[5]).ToJson();
        Digest saltKey = s_genesis.SaltKey;
        string pem = File.ReadAllText(Path.Combine(s_settled.Journal, "node.key"));
        using ECDsa pair = ECDsa.Create();
        pair.ImportFromPem(pem);
        using var salts = new LeafSalt(SaltKey());
        byte[] ofTotals = new byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(ofTotals, salts.OfTotals(7));
        foreach (string secret in new[]
        {
            saltKey.ToString()[..16], saltKey.ToString()[48..], s_sealed[6].StateHash.ToString()[..16], Convert.ToHexStringLower(ofTotals),
            Convert.ToHexStringLower(pair.ExportParameters(true).D!)[..16],
        })
            Assert.That(text, Does.Not.Contain(secret).IgnoreCase);
        Assert.That(text, Does.Contain(s_sealed[6].Root.ToString()));
    }

    [Test]
    public void The_path_of_another_payment_proves_nothing()
    {
        List<Use> leaves = Leaves(7);
        Receipt receipt = Prove(leaves[5]);
        Receipt other = Prove(leaves[6]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Failed(receipt with { Payment = other.Payment }), Is.EqualTo(CheckStep.Root));
            Assert.That(Failed(receipt with { Path = other.Path }), Is.EqualTo(CheckStep.Root));
            Assert.That(Failed(other), Is.EqualTo(CheckStep.None));
            Receipt elsewhere = Prove(Leaves(8)[5]);
            Assert.That(Failed(receipt with { Header = elsewhere.Header }), Is.EqualTo(CheckStep.Root));
            Assert.That(Failed(receipt with { Seal = elsewhere.Seal }), Is.EqualTo(CheckStep.Signature));
            Assert.That(Failed(receipt with { Header = receipt.Header with { LedgerId = 5 } }), Is.EqualTo(CheckStep.Signature));
            Assert.That(Failed(receipt with { Header = receipt.Header with { Accepted = 41 } }), Is.EqualTo(CheckStep.Header));
            Assert.That(Failed(receipt with { Header = receipt.Header with { LastSequence = receipt.Path.Sequence - 1 } }), Is.EqualTo(CheckStep.Header));
            Assert.That(Failed(receipt with { Header = receipt.Header with { FirstSequence = receipt.Path.Sequence + 1 } }), Is.EqualTo(CheckStep.Header));
            Assert.That(Failed(receipt with { Path = With(receipt.Path, [.. receipt.Path.Siblings.Skip(1)]) }), Is.EqualTo(CheckStep.Path));
            Assert.That(Failed(receipt with { Path = With(receipt.Path, [.. receipt.Path.Siblings, default]) }), Is.EqualTo(CheckStep.Path));
        }
    }

    [Test]
    public void Who_signs_a_payment_of_his_own_making_under_a_key_of_his_own_is_told_apart_by_the_key_alone()
    {
        // All that a forger can do: a whole ledger of his own. It is valid under his key, and under no other.
        using var signer = new SealSigner(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        Receipt receipt = Prove(Leaves(7)[5]);
        BatchHeader header = receipt.Header;
        Receipt forged = receipt with { Key = signer.PublicKey, Seal = SealSignature.Of(signer, in header) };
        Assert.That(ReceiptCheck.Of(forged, null).IsValid, "which is why a check without a key warns");
        Assert.That(ReceiptCheck.Of(forged, signer.PublicKey).IsValid);
        Assert.That(ReceiptCheck.Of(forged, s_genesis.NodeKey).Failed, Is.EqualTo(CheckStep.Key));
        Assert.That(Failed(receipt with { Key = signer.PublicKey }), Is.EqualTo(CheckStep.Key), "its id is another");
        SealSignature named = receipt.Seal;
        named.KeyId = signer.PublicKey.Id;
        Assert.That(Failed(receipt with { Key = signer.PublicKey, Seal = named }), Is.EqualTo(CheckStep.Signature));
        named.KeyId = default(NodeKey).Id;
        Assert.That(Failed(receipt with { Key = default, Seal = named }), Is.EqualTo(CheckStep.Signature), "no point of the curve");
    }

    [Test]
    public void Every_field_left_out_doubled_renamed_moved_or_of_another_kind_is_named()
    {
        string good = Prove(Leaves(7)[5]).ToJson();
        string[] hostile =
        [
            "null", "true", "{}", "[]", "[0]", "[[[[[[[[1]]]]]]]]", "\"\"", "\"x\"", "-1", "1e3", "0.5", "99999999999999999999999999",
            "\"18446744073709551616\"", "\"01\"", "\"é\"",
        ];
        int fields = 0;
        foreach ((string parent, string name) in Fields(JsonNode.Parse(good)!.AsObject()))
        {
            fields++;
            foreach (string change in hostile.Where(change => (name, change) is not ("siblings", "[]"))) // which can be read, and is no path
                AssertNamed(Changed(good, parent, name, node => node[name] = JsonNode.Parse(change)), name);
            AssertNamed(Changed(good, parent, name, node => node.Remove(name)), name);
            AssertNamed(Changed(good, parent, name, node => node.Insert(node.IndexOf(name), name + "_", node[name]!.DeepClone())), name);
            AssertNamed(Doubled(good, parent, name), null);
        }

        Assert.That(fields, Is.EqualTo(8 + 12 + 4 + 10 + 4));
        AssertNamed(JsonNode.Parse(good)!.ToJsonString().Replace("\"goods\"", "\"\\u0067oods\"", StringComparison.Ordinal), "purpose");
    }

    [Test]
    public void Anything_at_all_may_be_given_for_a_receipt()
    {
        Random random = PrintedSeed.Create();
        byte[] good = Encoding.UTF8.GetBytes(Prove(Leaves(7)[5]).ToJson());
        List<byte[]> given =
        [
            [], "null"u8.ToArray(), "{"u8.ToArray(), "[]"u8.ToArray(), [0xFF, 0xFE], Encoding.UTF8.GetBytes(new string('[', 60_000)),
            Encoding.UTF8.GetBytes("{\"format\":\"settlement receipt " + new string('9', 60_000) + "\"}"), new byte[ReceiptReader.BytesMax + 1],
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"format\":", 5_000))),
        ];
        for (int cut = 0; cut < good.Length - 2; cut++)
            given.Add(good[..cut]);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bad = [.. good];
            for (int edits = random.Next(1, 12); edits > 0; edits--)
            {
                int from = random.Next(bad.Length), length = Math.Min(random.Next(1, 40), bad.Length - from), to = random.Next(bad.Length - length + 1);
                switch (random.Next(3))
                {
                    case 0:
                        bad[from] = (byte)random.Next(256);
                        break;
                    case 1:
                        bad.AsSpan(from, length).ToArray().CopyTo(bad, to);
                        break;
                    default:
                        bad = [.. bad[..from], .. bad[(from + length)..], (byte)'}'];
                        break;
                }
            }

            given.Add(bad);
        }

        string truth = Told(good);
        foreach (byte[] text in given)
        {
            // An edit may put back what was there, or white space: then it is the same receipt.
            if (IsValid(text))
                Assert.That(Told(text), Is.EqualTo(truth));
        }
    }

    private static string Told(byte[] text) => ReceiptReader.TryRead(text, out Receipt? receipt, out _) ? receipt.ToJson() : "";

    private static bool IsValid(ReadOnlySpan<byte> text)
    {
        if (ReceiptReader.TryRead(text, out Receipt? receipt, out string? fault))
            return ReceiptCheck.Of(receipt, null).IsValid;
        return fault.Length > 0 ? false : throw new InvalidOperationException("no receipt, and no word why");
    }

    /// <summary>White space that became other white space changes nothing.</summary>
    private static bool IsStillValid(byte[] good, bool[] isBlank, int at, byte value)
    {
        if (value == good[at] || (isBlank[at] && s_blank.Contains(value)))
            return false;
        byte[] bad = [.. good];
        bad[at] = value;
        return IsValid(bad);
    }

    private static CheckStep Failed(Receipt receipt) => ReceiptCheck.Of(receipt, null).Failed;

    private static Receipt Prove(Use use) => ProveRun.Of(s_settled.Journal, PaymentIdText.Format(use.Payment), use.Sequence, null, new CurrencyScales());

    /// <summary>Accepted payments of a batch, in order.</summary>
    private static List<Use> Leaves(int batch) => [.. s_payments.Where(use =>
        use.Outcome.Verdict.IsAccepted() && use.Sequence >= s_sealed[batch - 1].FirstSequence && use.Sequence <= s_sealed[batch - 1].LastSequence)];

    private static byte[] SaltKey()
    {
        Digest key = s_genesis.SaltKey;
        return ((ReadOnlySpan<byte>)key).ToArray();
    }

    private static UInt128 SaltOf(LeafSalt salts, ulong sequence) => MemoryMarshal.Read<UInt128>(salts.Compute([sequence]));

    /// <summary>Every salt that receipts of this ledger show, but one payment's own, and every number in the receipt at hand that could be taken for one.</summary>
    private static HashSet<UInt128> KnownToOutsiders(Receipt receipt, ulong except, LeafSalt salts)
    {
        HashSet<UInt128> known = [0, UInt128.MaxValue, receipt.Header.LedgerId, except, receipt.Header.Number, receipt.Path.Sequence, receipt.Path.Salt];
        foreach (Use use in s_payments.Where(use => use.Sequence != except))
            known.Add(SaltOf(salts, use.Sequence));
        foreach (Digest digest in (Digest[])[receipt.Header.Root, receipt.Header.Commitment, .. receipt.Path.Siblings])
            known.UnionWith(MemoryMarshal.Cast<byte, UInt128>(digest).ToArray());
        Assert.That(known, Has.Count.GreaterThan(2_000));
        return known;
    }

    private static MerklePath With(MerklePath path, Digest[] siblings) =>
        new() { Index = path.Index, LeafCount = path.LeafCount, Sequence = path.Sequence, Salt = path.Salt, Siblings = siblings };

    /// <summary>White space that is in no string.</summary>
    private static bool[] BlankPlaces(byte[] text)
    {
        bool[] blank = new bool[text.Length];
        bool inString = false;
        for (int at = 0; at < text.Length; at++)
        {
            inString ^= text[at] == (byte)'"';
            blank[at] = !inString && s_blank.Contains(text[at]);
        }

        return blank;
    }

    private static IEnumerable<(string Parent, string Name)> Fields(JsonObject root) =>
        root.SelectMany(field => (IEnumerable<(string, string)>)(field.Value is JsonObject inner ? [("", field.Key), .. inner.Select(of => (field.Key, of.Key))] : [("", field.Key)]));

    private static string Changed(string text, string parent, string name, Action<JsonObject> change)
    {
        JsonObject root = JsonNode.Parse(text)!.AsObject();
        JsonObject holder = parent.Length == 0 ? root : root[parent]!.AsObject();
        Assert.That(holder.ContainsKey(name));
        change(holder);
        return root.ToJsonString();
    }

    private static string Doubled(string text, string parent, string name)
    {
        const string Mark = "\"a name that no field has\":0";
        string marked = Changed(text, parent, name, node => node.Insert(node.IndexOf(name), "a name that no field has", 0));
        JsonObject root = JsonNode.Parse(text)!.AsObject();
        JsonNode value = (parent.Length == 0 ? root : root[parent]!.AsObject())[name]!;
        string doubled = marked.Replace(Mark, $"\"{name}\":{value.ToJsonString()}", StringComparison.Ordinal);
        Assert.That(doubled, Is.Not.EqualTo(marked));
        return doubled;
    }

    private static void AssertNamed(string text, string? name)
    {
        Assert.That(ReceiptReader.TryRead(Encoding.UTF8.GetBytes(text), out Receipt? receipt, out string? fault), Is.False, () => text);
        Assert.That(fault, Does.StartWith("line 1: ").Or.Contain("of version"));
        if (name is not null)
            Assert.That(fault, Does.Contain(name).Or.Contain("it is no JSON"), () => text);
        Assert.That(receipt, Is.Null);
    }
}
