using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Settlement.Gateway.Http.Auth;

namespace Settlement.Gateway.Http;

/// <summary>What the OpenAPI document says beside what stands at each endpoint.</summary>
internal static class ApiDescription
{
    private const string SchemeName = "session_token";

    private const string Introduction = """
        Payments in, durable verdicts out. 64-bit numbers (wallets, sequences, batches) are text, and amounts are decimal text at the ledger's scale, because readers of JSON round
        numbers. An answer that reads state says as of which sequence. A session sees what is not above its clearance and its participant's; anything else is answered exactly as what is not there.
        Errors are application/problem+json (RFC 9457).
        """;

    public static void Configure(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "Settlement", Version = "1", Description = Introduction.ReplaceLineEndings(" ") };
            document.Servers = [];
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes[SchemeName] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWS ES256",
                Description = "A token that `gateway token` prints, signed with a session's key. In its place: a TLS client certificate of that key.",
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            AccessNote? note = context.Description.ActionDescriptor.EndpointMetadata.OfType<AccessNote>().FirstOrDefault();
            if (note is { Access: not Access.Public })
                operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SchemeName, context.Document)] = [] }];
            if (note is { Access: Access.Operator })
                operation.Summary += " For the operator.";
            ApiParameters.Describe(operation, context.Description.RelativePath);
            return Task.CompletedTask;
        });
    }
}
