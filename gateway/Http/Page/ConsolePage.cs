using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Settlement.Gateway.Http.Page;

/// <summary>The page at <c>/</c>: lists what the API has, tries it with a token that the reader pastes, and shows batches as they close.</summary>
/// <remarks>One file in the program: no network but this server is asked for anything, and the policy beside it lets a browser do nothing else. The token stays in the page's memory.</remarks>
internal static class ConsolePage
{
    private const string Policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void Map(WebApplication app)
    {
        byte[] page = Read();
        app.MapGet("/", (HttpContext http) =>
        {
            http.Response.Headers.ContentSecurityPolicy = Policy;
            http.Response.Headers.XContentTypeOptions = "nosniff";
            http.Response.Headers["Referrer-Policy"] = "no-referrer";
            return Results.Bytes(page, "text/html; charset=utf-8");
        }).ExcludeFromDescription();
    }

    private static byte[] Read()
    {
        using Stream stream = typeof(ConsolePage).Assembly.GetManifestResourceStream("console.html") ?? throw new InvalidOperationException("the page is not in the program");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
