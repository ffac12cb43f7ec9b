using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.History;

// Purpose: the tables of a history in SQLite, for who writes it, who reads it in this program, and who queries it by hand.
// Invariant: every key is an integer that the ledger gave (sequence, account row, batch) or that counts upwards (movement), so every large
//   table is only ever appended to. What is updated is one row an account, once a commit.
// Units: amounts in the smallest unit of their currency; times in ns since the Unix epoch. A 64-bit number of the ledger stands as the
//   signed integer of the same bits, because SQLite has no other: from 2^63 on it reads as negative (printf('%u', x) shows it as it is).

/// <summary>The schema of `history.sqlite`.</summary>
/// <remarks>
/// An account's statement is a chain: `accounts.last_movement`, and from each movement to the one before it. An index on (account, movement)
/// would say the same, and cost a page written at random for every movement once there are more accounts than pages in the cache; the chain
/// costs nothing but its column, and a page of a statement is read by as many look-ups as it has lines either way. The view `statements` follows it.
/// <para>
/// Payments have one index, by id: numbers of a stream and UUIDv7 arrive nearly in its order. Random ids do not, and are the slow case.
/// </para>
/// </remarks>
internal static class HistorySchema
{
    public const string FileName = "history.sqlite";

    /// <summary>In `PRAGMA user_version`. Another version is not read.</summary>
    public const int Version = 2;

    /// <summary>In `PRAGMA application_id`: "STLH".</summary>
    public const int ApplicationId = 0x53544C48;

    private const string Tables = """
        create table position (
          one integer primary key check (one = 1), ledger text not null,
          sequence integer not null, block integer not null, address integer not null, chain blob, time_ns integer not null, movement integer not null
        );
        create table verdicts (verdict integer primary key, name text not null);
        create table instructions (instruction integer primary key, name text not null);
        create table currencies (currency integer primary key, letters text not null, scale integer not null, authority integer not null);
        create table participants (participant integer primary key, name text not null);
        create table wallets (
          wallet integer primary key, participant integer not null, country integer not null, tier integer not null, level integer not null,
          status integer not null, holder integer not null, kind integer not null
        );
        -- As of the position. What is pending is available as soon as the batch is closed.
        create table accounts (
          account integer primary key, wallet integer not null, currency integer not null,
          available integer not null, pending integer not null, held integer not null, batch integer not null,
          last_movement integer not null
        );
        create index accounts_by_wallet on accounts (wallet);
        -- Every payment that took a sequence, refused ones and repeats among them. For capture, void and refund the payee is the high and
        -- the reference the low half of the target's id. available: what the verdict's reply states.
        create table payments (
          sequence integer primary key, block integer not null, time_ns integer not null, id_high integer not null, id_low integer not null,
          payer integer not null, payee integer not null, currency integer not null, amount integer not null, reference integer not null,
          valid_until_ns integer not null, instruction integer not null, flags integer not null, level integer not null, purpose integer not null,
          session integer not null, verdict integer not null, first integer not null, rule integer not null, batch integer not null,
          available integer not null
        );
        create index payments_by_id on payments (id_high, id_low);
        -- What each payment, the expiry of the hold `payment`, or a decision about the review `payment`, changed in which account. Behind it the account has the first three; the changes
        -- led there. other: the account on the payment's other side, moved or not; 0: none. What was pending after the previous movement is available before this one, if this one's batch is later.
        create table movements (
          movement integer primary key, account integer not null, other integer not null, sequence integer not null, payment integer not null, time_ns integer not null,
          batch integer not null, available integer not null, pending integer not null, held integer not null,
          available_change integer not null, pending_change integer not null, held_change integer not null, previous integer not null
        );
        create table batches (
          batch integer primary key, first_sequence integer not null, last_sequence integer not null, opened_ns integer not null,
          closed_ns integer not null, counted integer not null, accepted integer not null, rules blob not null, state_hash blob not null,
          root blob not null, settled_sequence integer
        );
        -- Sums of 128 bits, without a type: an integer where it fits 64 signed bits, else decimal text.
        create table batch_gross (batch integer not null, currency integer not null, gross not null, primary key (batch, currency)) without rowid;
        create table positions (
          batch integer not null, participant integer not null, currency integer not null, net not null, fee not null,
          primary key (batch, participant, currency)
        ) without rowid;

        create view payments_readable as select
          p.sequence, strftime('%Y-%m-%dT%H:%M:%S', p.time_ns / 1000000000, 'unixepoch') || printf('.%09dZ', p.time_ns % 1000000000) as time,
          case when p.flags & 1 then printf('%016llx:%u', p.id_high, p.id_low)
            else printf('%08llx-%04llx-%04llx-%04llx-%012llx', (p.id_high >> 32) & 0xffffffff, (p.id_high >> 16) & 0xffff, p.id_high & 0xffff,
              (p.id_low >> 48) & 0xffff, p.id_low & 0xffffffffffff) end as id,
          i.name as instruction, printf('%u', p.payer) as payer, printf('%u', p.payee) as payee, c.letters as currency,
          printf('%u', p.amount) as smallest_units, c.scale, v.name as verdict, f.name as first, p.rule, p.batch
          from payments p left join currencies c using (currency) left join instructions i using (instruction) left join verdicts v using (verdict)
          left join verdicts f on f.verdict = p.first and p.first <> 0;
        create view statements as select
          a.wallet, a.currency, m.movement, m.sequence, m.payment, (select o.wallet from accounts o where o.account = m.other) as counterparty, m.time_ns, m.batch, m.available_change, m.pending_change, m.held_change,
          m.available, m.pending, m.held
          from accounts a join movements m on m.movement in (
            with recursive chain (movement) as (
              select a.last_movement union all
              select before.previous from chain join movements before using (movement) where before.previous <> 0)
            select movement from chain);
        """;

    /// <summary>All of it, for an empty database, in one transaction.</summary>
    public static string Create(UInt128 ledgerId)
    {
        var sql = new StringBuilder(Tables);
        for (int verdict = 0; verdict <= byte.MaxValue; verdict++)
        {
            if (Enum.IsDefined((Verdict)verdict))
                sql.Append(FormattableString.Invariant($"insert into verdicts values ({verdict}, '{VerdictText.NameOf((Verdict)verdict)}');"));
        }

        foreach (Instruction instruction in Enum.GetValues<Instruction>().Where(one => one != Instruction.None && !one.IsControl()))
            sql.Append(FormattableString.Invariant($"insert into instructions values ({(int)instruction}, '{instruction.ToString().ToLowerInvariant()}');"));
        sql.Append(FormattableString.Invariant($"insert into position values (1, '{ledgerId:x32}', 0, 0, 0, null, 0, 0);"));
        sql.Append(FormattableString.Invariant($"pragma application_id = {ApplicationId}; pragma user_version = {Version};"));
        return sql.ToString();
    }
}
