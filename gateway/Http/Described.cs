using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Gateway.Http.Answers;

namespace Settlement.Gateway.Http;

/// <summary>What the OpenAPI document says about an endpoint, said beside its route.</summary>
internal static class Described
{
    /// <summary>Every operation may answer these.</summary>
    private static readonly int[] s_always = [StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status503ServiceUnavailable];

    // Typed as delegates, so that routes' and queries' values are bound and described, also of a handler that takes the request alone.
    public static RouteHandlerBuilder Get(this RouteGroupBuilder group, string pattern, Delegate handler) => group.MapGet(pattern, handler);

    public static RouteHandlerBuilder Post(this RouteGroupBuilder group, string pattern, Delegate handler) => group.MapPost(pattern, handler);

    public static RouteHandlerBuilder Delete(this RouteGroupBuilder group, string pattern, Delegate handler) => group.MapDelete(pattern, handler);

    public static RouteHandlerBuilder Reads<T>(this RouteHandlerBuilder endpoint, string tag, string summary) => endpoint.Says(tag, summary).Produces<T>();

    public static RouteHandlerBuilder Says(this RouteHandlerBuilder endpoint, string tag, string summary)
    {
        endpoint.WithTags(tag).WithSummary(summary);
        foreach (int status in s_always)
            endpoint.May(status);
        return endpoint;
    }

    /// <summary>Takes a body.</summary>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint) where T : notnull =>
        endpoint.Accepts<T>("application/json").May(StatusCodes.Status413PayloadTooLarge).May(StatusCodes.Status415UnsupportedMediaType).May(StatusCodes.Status421MisdirectedRequest);

    public static RouteHandlerBuilder MayMiss(this RouteHandlerBuilder endpoint) => endpoint.May(StatusCodes.Status404NotFound);

    public static RouteHandlerBuilder May(this RouteHandlerBuilder endpoint, int status) => endpoint.Produces<ProblemAnswer>(status, Problem.ContentType);
}
