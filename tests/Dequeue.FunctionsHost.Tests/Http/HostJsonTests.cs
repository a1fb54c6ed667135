using System.Net;
using Dequeue.FunctionsHost.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dequeue.FunctionsHost.Tests.Http;

public sealed class HostJsonTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Route_prefix_headers_and_what_is_in_front_hold_for_all_functions()
    {
        using var app = new AppCopy("""
            {"version":"2.0","extensions":{"http":{"routePrefix":"fn/v1","customHeaders":{"X-Content-Type-Options":"nosniff","x-invocation-id":"host"}}}}
            """);
        await using var host = await RunningHost.StartAsync(options => options with
        {
            AppFolder = app.Path,
            Settings = new Dictionary<string, string?>(options.Settings) { ["HourlySchedule"] = "0 0 0 1 1 *" },
            Front = static front => front.Use(static (context, next) =>
            {
                if (context.Request.Path != "/fn/v1/hello/front") return next(context);
                context.Response.StatusCode = StatusCodes.Status418ImATeapot;
                return Task.CompletedTask;
            }),
        });

        Assert.Equal("200 GET x", await host.GetAsync("/fn/v1/hello/x"));
        Assert.Equal("404", await host.GetAsync("/hello/x"));
        Assert.Equal("418", await host.GetAsync("/fn/v1/hello/front"));

        foreach (var (path, status) in new[] { ("hello/x", HttpStatusCode.OK), ("fails", HttpStatusCode.InternalServerError), ("locked", HttpStatusCode.Unauthorized) })
        {
            using var response = await host.Http.GetAsync("/fn/v1/" + path, Test);
            Assert.Equal(status, response.StatusCode);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("host", Assert.Single(response.Headers.GetValues("x-invocation-id")));
        }

        // No key is configured here: nothing opens it.
        Assert.Equal("401", await host.GetAsync("/fn/v1/locked?code="));
        Assert.Contains(host.Log.All, line => line.Text == "Function Locked needs a key, and the setting Functions__Key holds none: it answers 401.");
    }

    [Fact]
    public async Task Stopping_lets_a_running_invocation_finish()
    {
        await using var host = await RunningHost.StartAsync();
        var call = host.GetAsync("/slow/stop");
        await host.GetAsync("/signals/stop.entered");
        using var other = await RawHttp.ConnectAsync(host.Address);
        await other.WriteAsync("POST /signals/stop.open HTTP/1.1\r\nHost: x\r\n");

        var stopping = host.StopAsync();
        Assert.False(stopping.IsCompleted);
        await other.WriteAsync("Content-Length: 0\r\n\r\n");

        Assert.Equal("200 done", await call);
        await stopping;
    }
}
