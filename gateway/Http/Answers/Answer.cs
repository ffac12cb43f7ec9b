using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Settlement.Gateway.Http.Answers;

/// <summary>What an endpoint answers with.</summary>
internal static class Answer
{
    public static IResult Of<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK, string? location = null) => new JsonAnswer<T>(value, type, status, location);

    public static IResult Of(ProblemAnswer problem) => new ProblemResult(problem);

    /// <summary>JSON that is written already.</summary>
    public static IResult Raw(byte[] json) => Results.Bytes(json, "application/json; charset=utf-8");

    public static IResult Nothing { get; } = Results.NoContent();

    private sealed class JsonAnswer<T>(T value, JsonTypeInfo<T> type, int status, string? location) : IResult
    {
        public Task ExecuteAsync(HttpContext http)
        {
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(value, type);
            http.Response.StatusCode = status;
            http.Response.ContentType = "application/json; charset=utf-8";
            http.Response.ContentLength = body.Length;
            if (location is not null)
                http.Response.Headers.Location = location;
            return http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
        }
    }

    private sealed class ProblemResult(ProblemAnswer problem) : IResult
    {
        public Task ExecuteAsync(HttpContext http) => Problem.WriteAsync(http, problem);
    }
}
