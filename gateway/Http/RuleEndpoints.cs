using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Questions;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;

namespace Settlement.Gateway.Http;

/// <summary>The law, which anyone may read, and `may`, which anyone may ask: how much of the reason is told follows from the clearance.</summary>
/// <remarks>
/// Strangers ask here, so the ledger is asked at most once in a quarter of a second for each kind of answer, whatever they ask; what is told is as of the sequence stated.
/// </remarks>
internal sealed class RuleEndpoints(HttpApiContext context)
{
    private static readonly TimeSpan s_ageMax = TimeSpan.FromMilliseconds(250);

    private static readonly string[] s_mayWords = ["from", "to", "amount", "tier", "purpose", "level", "instruction", "payer", "payee", "spent"];

    private readonly ConcurrentDictionary<string, Cached> _histories = new(StringComparer.Ordinal); // of modules that exist: as many as there are
    private volatile Cached? _list;
    private volatile CachedView? _view;

    private sealed record Cached(byte[] Json, DateTimeOffset At);

    private sealed record CachedView(LawView View, DateTimeOffset At);

    public void Map(RouteGroupBuilder strangers)
    {
        strangers.Get("/rules", ListAsync).Says("Rules", "What is in force, under way and to come: the answer of `replay rules list`.").Produces<JsonElement>();
        strangers.Get("/rules/may", MayAsync)
            .Says("Rules", "Whether A may pay B this: yes, no, or review (a stranger is told ask). Nothing is posted. The answer of `replay rules may`.")
            .WithDescription("Words: from and to (countries), amount (\"400 USD\"); and where known tier, purpose, level, instruction, payer, payee (kinds), spent (\"day 9000 USD\"; may be repeated).")
            .Produces<JsonElement>();
        strangers.Get("/rules/{module}", TextAsync).Reads<RuleText>("Rules", "A module or treaty: version in force and text.").MayMiss();
        strangers.Get("/rules/{module}/history", HistoryAsync).Says("Rules", "How a module came about, step by step: the answer of `replay rules history`.").Produces<JsonElement>().MayMiss();
    }

    private bool IsFresh(DateTimeOffset at) => context.Time.GetUtcNow() - at < s_ageMax;

    private async Task<IResult> ListAsync()
    {
        Cached? list = _list;
        if (list is null || !IsFresh(list.At))
            _list = list = new Cached(await context.Port.AskAsync(state => Json(state, writer => LawListJson.Write(writer, state))), context.Time.GetUtcNow());
        return Answer.Raw(list.Json);
    }

    private async Task<IResult> HistoryAsync(string module)
    {
        _histories.TryGetValue(module, out Cached? history);
        if (history is null || !IsFresh(history.At))
        {
            byte[]? json = await context.Port.AskAsync(state => state.LawBook.FindLaw(module) is { } law
                ? Json(state, writer => new LawHistory(state.LawBook, law).Write(writer))
                : null);
            _histories[module] = history = new Cached(json ?? throw NoModule(module), context.Time.GetUtcNow());
        }

        return Answer.Raw(history.Json);
    }

    private async Task<IResult> TextAsync(string module)
    {
        RuleText? text = await context.Port.AskAsync(state => state.LawBook.FindLaw(module) is { } law ? Describe(state, law) : null);
        return Answer.Of(text ?? throw NoModule(module), HttpJson.Default.RuleText);
    }

    private async Task<IResult> MayAsync(HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        IQueryCollection query = http.Request.Query;
        foreach (string name in query.Keys)
        {
            if (Array.IndexOf(s_mayWords, name) < 0)
                throw Problem.Invalid($"'{name}' is not asked here: {string.Join(", ", s_mayWords)} are.");
        }

        LawView view = await ViewAsync();
        try
        {
            var question = MayQuestion.Read(
                new MayWords
                {
                    From = Needed(query, "from"), To = Needed(query, "to"), Amount = Needed(query, "amount"), Tier = One(query, "tier"), Purpose = One(query, "purpose"),
                    Level = One(query, "level"), Instruction = One(query, "instruction"), Payer = One(query, "payer"), Payee = One(query, "payee"),
                    Spent = [.. query["spent"].OfType<string>()], Clearance = Exact.Of(caller.Clearance),
                }, view);
            var answer = MayAnswer.To(question, view);
            return Answer.Raw(Json(view.Sequence, view.TimeNs, new MayJson(view, question, answer).Write));
        }
        catch (QuestionException unclear)
        {
            throw Problem.Invalid(unclear.Message);
        }
    }

    private async Task<LawView> ViewAsync()
    {
        CachedView? view = _view;
        if (view is null || !IsFresh(view.At))
            _view = view = new CachedView(await context.Port.AskAsync(LawView.Of), context.Time.GetUtcNow());
        return view.View;
    }

    private static RuleText Describe(LedgerState state, Law law) => new()
    {
        Name = law.Name,
        Kind = law.IsTreaty ? "treaty" : "module",
        Version = law.Active is { } active ? (int)active.Version : null,
        Proposal = law.Active is { } proposal ? Exact.Of(proposal.Number) : null,
        Since = law.Active is { } since ? Exact.Of(LawListJson.Since(since).Sequence) : null,
        SinceTime = law.Active is { } time ? TimeText.Format(LawListJson.Since(time).TimeNs) : null,
        TextHash = law.Active?.TextHash.ToString(),
        Text = law.Active?.Text?.ToString(),
        AsOfSequence = Exact.Of(state.Sequence),
    };

    private static byte[] Json(LedgerState state, Action<Utf8JsonWriter> members) => Json(state.Sequence, state.TimeNs, members);

    private static byte[] Json(ulong sequence, ulong timeNs, Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteString("as_of_sequence", Exact.Of(sequence));
        writer.WriteString("as_of_time", TimeText.Format(timeNs));
        members(writer);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static ProblemException NoModule(string module) => Problem.NotFound($"There is no module or treaty '{module}': GET /v1/rules lists those that are founded.");

    private static string Needed(IQueryCollection query, string name) =>
        One(query, name) ?? throw Problem.Invalid($"{name} is missing: ask with ?from=US&to=IN&amount=400%20USD.");

    private static string? One(IQueryCollection query, string name) =>
        query[name] is { Count: > 0 } values ? (values.Count == 1 ? values[0] : throw Problem.Invalid($"{name} stands more than once.")) : null;
}
