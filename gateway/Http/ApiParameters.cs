using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Settlement.Gateway.Http.Payments;

namespace Settlement.Gateway.Http;

/// <summary>What the OpenAPI document says of parameters, and examples of what is sent: in one place, because most stand at several endpoints.</summary>
/// <remarks>Invariant: every parameter and every body of every operation has its line here; a test looks.</remarks>
internal static class ApiParameters
{
    private static readonly Dictionary<string, (string Description, string Example)> s_words = new(StringComparer.Ordinal)
    {
        ["after"] = ("The wallet behind which the page begins: 'next' of the page before.", "17"),
        ["before"] = ("Batches below this number: 'next' of the page before. Left away: from the newest on.", "120"),
        ["currency"] = ("ISO 4217 letters.", "EUR"),
        ["event"] = ("batch-N or review-SEQUENCE, as the list of given-up events has it.", "batch-7"),
        ["from"] = ("'next' of the page before. Left away: from the newest movement on.", "1204"),
        ["id"] = ("A payment's id: a UUID, or stream:number.", "shop:1"),
        ["key"] = ("The key's id, 32 hexadecimal digits: the answer to its registration has it.", "92aac1401c5691076769cbd702d027ae"),
        ["last_event_id"] = ("As the Last-Event-ID header, for who cannot send one.", "6"),
        ["limit"] = ("Entries of a page, 1 to 1,000.", "100"),
        ["module"] = ("A module's or treaty's name; GET /v1/rules lists them.", "eu"),
        ["number"] = ("A batch's number.", "7"),
        ["session"] = ("The session's number.", "2"),
        ["wallet"] = ("The wallet's number.", "17"),
        ["webhook"] = ("The webhook's id: the answer to its making has it.", "41b33fd709a0a579"),
    };

    private static readonly (string Name, string Description, string? Example, bool IsNeeded)[] s_may =
    [
        ("from", "The payer's country.", "US", true),
        ("to", "The payee's country.", "IN", true),
        ("amount", "Amount and currency.", "400 USD", true),
        ("tier", "The payer's, 0 to 3.", "1", false),
        ("purpose", "As a payment's.", "family_support", false),
        ("level", "The payment's, 0 to 255.", "0", false),
        ("instruction", "As a payment's.", "micropayment", false),
        ("payer", "What kind the payer is: person, business, government, financial_institution or non_profit.", "person", false),
        ("payee", "What kind the payee is.", "business", false),
        ("spent", "What the payer has paid before in a window: \"day 9000 USD\". May be repeated.", "day 9000 USD", false),
    ];

    /// <summary>What is sent, by path.</summary>
    private static readonly Dictionary<string, string> s_bodies = new(StringComparer.Ordinal)
    {
        ["v1/currencies"] = """{"currency":"EUR"}""",
        ["v1/keys"] = """{"session":2,"public_key":"-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----\n"}""",
        ["v1/participants"] = """{"name":"bank one"}""",
        ["v1/payments"] = """{"payer":"1","payee":"2","amount":"1.25","currency":"EUR"}""",
        ["v1/sessions"] = """{"participant":"bank one","clearance":128}""",
        ["v1/wallets"] = """{"wallet":"17","participant":"bank one","country":"DE","currency":"EUR","tier":1}""",
        ["v1/wallets/{wallet}/consent"] = """{"policy":"signed","signatures":1}""",
        ["v1/wallets/{wallet}/mandates"] = """{"participant":"bank two","given":true,"until":"2030-01-01T00:00:00Z"}""",
        ["v1/wallets/{wallet}/status"] = """{"status":"frozen"}""",
        ["v1/webhooks"] = """{"url":"https://example.org/settlement","events":["batch_closed"]}""",
    };

    public static void Describe(OpenApiOperation operation, string? path)
    {
        operation.Parameters ??= [];
        if (path == "v1/rules/may")
        {
            foreach ((string name, string description, string? example, bool isNeeded) in s_may)
                Add(operation, ParameterLocation.Query, name, description, example, isNeeded);
            return;
        }

        foreach (OpenApiParameter parameter in operation.Parameters.OfType<OpenApiParameter>())
        {
            if (parameter.Name is { } name && s_words.TryGetValue(name, out (string Description, string Example) words))
                (parameter.Description, parameter.Example) = (words.Description, words.Example);
            // Read as text, and refused with a sentence where it is missing.
            parameter.Required |= parameter.Name == "currency";
        }

        if (path == "v1/events/batches")
            Add(operation, ParameterLocation.Header, "Last-Event-ID", "The last batch that was seen: those behind it are told. Left away: those that close from now on.", "6", false);
        if (operation.RequestBody?.Content?.TryGetValue("application/json", out OpenApiMediaType? body) == true)
            body.Example = JsonNode.Parse(s_bodies[path!]);
        if (path == "v1/payments" && operation.RequestBody is not null)
            DescribePayments(operation);
    }

    /// <summary>One payment or an array of them, and the key under which they are sent again.</summary>
    private static void DescribePayments(OpenApiOperation operation)
    {
        Add(operation, ParameterLocation.Header, "Idempotency-Key", "1 to 255 printable ASCII letters, such as a UUID. The same key and body again is decided once, and gives payments without an id theirs.", "order-17", false);
        if (operation.RequestBody?.Content?["application/json"] is { Schema: { } one } body)
            body.Schema = new OpenApiSchema { OneOf = [one, new OpenApiSchema { Type = JsonSchemaType.Array, Items = one, MinItems = 1, MaxItems = PaymentEndpoints.PaymentsMax }] };
    }

    private static void Add(OpenApiOperation operation, ParameterLocation location, string name, string description, string? example, bool isNeeded) =>
        operation.Parameters!.Add(new OpenApiParameter
        {
            Name = name, In = location, Description = description, Required = isNeeded, Example = example, Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
}
