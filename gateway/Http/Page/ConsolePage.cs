using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Settlement.Gateway.Http.Page;

/// <summary>The page at <c>/</c>: lists what the API has, tries it with a token that the reader pastes, and shows batches as they close.</summary>
/// <remarks>One file in the program: no network but this server is asked for anything, and the policy beside it lets a browser do nothing else, and run no other script than the page's own, by its hash. The token stays in the page's memory.</remarks>
internal static class ConsolePage
{

    public static void Map(WebApplication app)
    {
        byte[] page = Read();
        string policy = PolicyOf(Encoding.UTF8.GetString(page));
        app.MapGet("/", (HttpContext http) =>
        {
            http.Response.Headers.ContentSecurityPolicy = policy;
            http.Response.Headers.XContentTypeOptions = "nosniff";
            http.Response.Headers.XFrameOptions = "DENY";
            http.Response.Headers["Referrer-Policy"] = "no-referrer";
            return Results.Bytes(page, "text/html; charset=utf-8");
        }).ExcludeFromDescription();
    }

    private static string PolicyOf(string page) =>
        $"default-src 'none'; script-src '{HashOf(page, "script")}'; style-src '{HashOf(page, "style")}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Of the text of the page's only element of that name, as Content Security Policy has it.</summary>
    private static string HashOf(string page, string element)
    {
        int begin = page.IndexOf($"<{element}>", StringComparison.Ordinal) + element.Length + 2;
        int end = page.IndexOf($"</{element}>", begin, StringComparison.Ordinal);
        return "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(page[begin..end])));
    }

    private static byte[] Read()
    {
        using Stream stream = typeof(ConsolePage).Assembly.GetManifestResourceStream("console.html") ?? throw new InvalidOperationException("the page is not in the program");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
