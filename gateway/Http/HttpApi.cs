using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Settlement.Gateway.Serve;

namespace Settlement.Gateway.Http;

/// <summary>The pages of the HTTP ports.</summary>
internal static class HttpApi
{
    public static void Map(WebApplication app, ServerServices services)
    {
        // Live: the process answers and its engine runs. Ready: it takes payments.
        app.MapGet("/health/live", () => services.Engine.Failure is null ? Results.Text("live\n") : Results.Text("the engine has stopped\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        app.MapGet("/health/ready", () => services.IsReady ? Results.Text("ready\n") : Results.Text("not ready\n", statusCode: StatusCodes.Status503ServiceUnavailable));
    }
}
