using System.Net;
using Dequeue.Local.TestApp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dequeue.Local.Tests.Worker;

public sealed class HttpTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static async Task<string> SendAsync(RunningApp app, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using var response = await app.Http.SendAsync(request, Test);
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(Test)}".TrimEnd();
    }

    [Fact]
    public async Task Requests_reach_functions_by_method_and_route_and_their_results_come_back()
    {
        await using var app = await RunningApp.StartAsync();
        var id = Guid.NewGuid();

        Assert.Equal("200 GET x", await SendAsync(app, HttpMethod.Get, "/hello/x"));
        Assert.Equal("200 POST nobody", await SendAsync(app, HttpMethod.Post, "/hello"));
        Assert.Equal("405", await SendAsync(app, HttpMethod.Delete, "/hello/x"));
        Assert.Equal("404", await SendAsync(app, HttpMethod.Get, "/api/hello/x"));
        Assert.Equal($$"""200 {"id":"{{id}}","count":3,"rest":"a/b c"}""", await SendAsync(app, HttpMethod.Get, $"/typed/{id}/3/a/b%20c"));
        Assert.Equal($$"""200 {"id":"{{id}}","count":3,"rest":null}""", await SendAsync(app, HttpMethod.Get, $"/typed/{id}/3"));
        Assert.Equal("404", await SendAsync(app, HttpMethod.Get, $"/typed/{id}/three/a"));
        Assert.Equal("404", await SendAsync(app, HttpMethod.Get, "/typed/id/3/a"));
        Assert.Equal("""201 {"method":"PUT"}""", await SendAsync(app, HttpMethod.Put, "/action"));
        Assert.Equal("""200 {"method":"PATCH","function":"Plain","traced":"Plain"}""", await SendAsync(app, HttpMethod.Patch, "/plain"));
        Assert.Equal("200 7", await SendAsync(app, HttpMethod.Get, "/number/7"));
        Assert.Equal("200 -1", await SendAsync(app, HttpMethod.Get, "/number"));
    }

    [Fact]
    public async Task A_function_runs_in_its_own_scope_on_its_own_instance()
    {
        await using var app = await RunningApp.StartAsync();
        var first = await SendAsync(app, HttpMethod.Get, "/scoped");
        var second = await SendAsync(app, HttpMethod.Get, "/scoped");

        Assert.StartsWith("200 True False ", first, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Middleware_sees_each_invocation_and_may_refuse_it()
    {
        await using var app = await RunningApp.StartAsync();
        using var response = await app.Http.GetAsync("/hello/x", Test);

        Assert.True(Guid.TryParse(response.Headers.GetValues("x-invocation-id").Single(), out _));
        Assert.Equal("403", await SendAsync(app, HttpMethod.Get, "/hello/x", ("x-refuse", "1")));
    }

    [Fact]
    public async Task A_key_opens_what_is_not_anonymous_and_without_one_configured_nothing_does()
    {
        await using var open = await RunningApp.StartAsync(args: ["--Functions:Key", "k€y"]);
        Assert.Equal("401", await SendAsync(open, HttpMethod.Get, "/locked"));
        Assert.Equal("401", await SendAsync(open, HttpMethod.Get, "/locked?code=key"));
        Assert.Equal("200 open", await SendAsync(open, HttpMethod.Get, "/locked?code=k%E2%82%ACy"));
        await using var other = await RunningApp.StartAsync(args: ["--Functions:Key", "key"]);
        Assert.Equal("200 open", await SendAsync(other, HttpMethod.Get, "/locked", ("x-functions-key", "key")));

        await using var shut = await RunningApp.StartAsync();
        Assert.Equal("401", await SendAsync(shut, HttpMethod.Get, "/locked?code="));
        Assert.Contains("Function Locked needs a key, and the setting Functions:Key holds none: it answers 401.", shut.Loggers.Lines);
    }

    [Fact]
    public async Task A_failure_is_an_empty_500_and_is_logged_without_the_query()
    {
        await using var app = await RunningApp.StartAsync();

        Assert.Equal("500", await SendAsync(app, HttpMethod.Get, "/fails?access_token=hidden"));
        Assert.Contains(app.Loggers.Lines, line => line.StartsWith("Function Fails failed", StringComparison.Ordinal));
        Assert.DoesNotContain(app.Loggers.Lines, line => line.Contains("hidden", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Settings_come_from_the_local_file_and_the_environment_wins()
    {
        await using var app = await RunningApp.StartAsync();

        Assert.Equal("200 file", await SendAsync(app, HttpMethod.Get, "/setting/FromLocalSettings"));
        Assert.Equal("200 nested", await SendAsync(app, HttpMethod.Get, "/setting/Section:Key"));
        Assert.Equal($"200 {Environment.GetEnvironmentVariable("PATH")}", await SendAsync(app, HttpMethod.Get, "/setting/PATH"));
        await using var command = await RunningApp.StartAsync(args: ["--FromLocalSettings", "command"]);
        Assert.Equal("200 command", await SendAsync(command, HttpMethod.Get, "/setting/FromLocalSettings"));
    }

    [Fact]
    public async Task A_startup_filter_is_in_front_of_all_functions()
    {
        await using var app = await RunningApp.StartAsync(builder => builder.Services.AddSingleton<IStartupFilter, InFront>());

        Assert.Equal("418", await SendAsync(app, HttpMethod.Get, "/hello/front"));
        Assert.Equal("200 GET x", await SendAsync(app, HttpMethod.Get, "/hello/x"));
    }

    [Fact]
    public async Task A_caller_who_goes_away_cancels_the_invocation()
    {
        await using var app = await RunningApp.StartAsync();
        var gate = app.Host.Services.GetRequiredService<Gate>();
        using var gone = new CancellationTokenSource();
        var call = app.Http.GetAsync("/slow", gone.Token);
        await gate.Entered.Task.WaitAsync(Test);
        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await gate.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), Test);
    }

    [Fact]
    public async Task Stopping_lets_a_running_invocation_finish()
    {
        await using var app = await RunningApp.StartAsync();
        var gate = app.Host.Services.GetRequiredService<Gate>();
        var call = app.Http.GetAsync("/slow", Test);
        await gate.Entered.Task.WaitAsync(Test);

        var stopping = app.Host.StopAsync(Test);
        Assert.False(stopping.IsCompleted);
        gate.Open.SetResult();

        using var response = await call;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await stopping;
        Assert.False(gate.Cancelled.Task.IsCompleted);
    }

    [Fact]
    public async Task Orchestrations_run_through_functions_with_middleware_and_scopes()
    {
        await using var app = await RunningApp.StartAsync();

        Assert.Equal("200 \"xabc\"", await SendAsync(app, HttpMethod.Post, "/chain/x"));
    }

    private sealed class InFront : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                if (context.Request.Path == "/hello/front")
                {
                    context.Response.StatusCode = StatusCodes.Status418ImATeapot;
                    return Task.CompletedTask;
                }

                return rest(context);
            });
            next(app);
        };
    }
}
