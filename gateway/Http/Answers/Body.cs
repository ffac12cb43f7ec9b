using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Settlement.Gateway.Http.Answers;

/// <summary>Reads a request's JSON: strictly, and never more bytes than are allowed.</summary>
internal static class Body
{
    /// <summary>1,000 payments at 1 KiB each.</summary>
    public const int BytesMax = 1 << 20;

    /// <exception cref="ProblemException">It is too large, no JSON, or not what is expected; says where.</exception>
    public static async Task<byte[]> BytesAsync(HttpContext http)
    {
        if (!http.Request.HasJsonContentType())
            throw Problem.NotJson();
        if (http.Request.ContentLength > BytesMax)
            throw Problem.TooLarge(BytesMax);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null; // counted here, and answered as everything else is
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Clamp((int)(http.Request.ContentLength ?? 4_096), 256, BytesMax) + 1);
        try
        {
            int length = 0;
            for (int read; (read = await http.Request.Body.ReadAsync(buffer.AsMemory(length), http.RequestAborted)) > 0;)
            {
                length += read;
                if (length > BytesMax)
                    throw Problem.TooLarge(BytesMax);
                if (length == buffer.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }

            return buffer.AsSpan(0, length).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc cref="BytesAsync"/>
    public static async Task<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type) where T : class => Parse(await BytesAsync(http), type);

    /// <exception cref="ProblemException">It is not what is expected; says where.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw Problem.Invalid("The body is null: an object is expected.");
        }
        catch (JsonException fault)
        {
            throw Problem.Invalid(Sentence(fault));
        }
    }

    private static string Sentence(JsonException fault)
    {
        string place = fault.Path is { Length: > 1 } path ? $"at {path}, " : "";
        string line = fault.LineNumber is { } number ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"line {number + 1}") : "its beginning";
        return $"The body does not read as expected {place}{line}: {What(fault.Message)} Amounts, ids and wallets are strings; /openapi/v1.json describes every field.";
    }

    /// <summary>The reader's sentence, where it is about JSON; where it is about the program's types, which mean nothing to who sent it, one about the field.</summary>
    private static string What(string message) =>
        message.StartsWith("Duplicate property", StringComparison.Ordinal) ? "this member stands there twice."
        : message.Contains("could not be mapped", StringComparison.Ordinal) ? "there is no such member here."
        : message.Contains("missing required properties", StringComparison.Ordinal) ? $"missing is {message[(message.LastIndexOf("including:", StringComparison.Ordinal) + 10)..].Trim().TrimEnd('.')}."
        : message.Contains("Settlement.", StringComparison.Ordinal) || message.Contains("System.", StringComparison.Ordinal) ? "the value is of another type, or none where one is needed."
        : message.Split(" Path:", 2)[0];
}
