using System.Net;
using Dequeue.FunctionsHost.Tests.Durable;
using Dequeue.FunctionsHost.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Tests.Http;

public sealed class HttpTests(SharedHost shared)
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private RunningHost Host => shared.Host;

    [Fact]
    public async Task Requests_reach_functions_by_method_and_route_and_their_results_come_back()
    {
        var id = Guid.NewGuid();

        Assert.Equal("200 GET x", await Host.GetAsync("/hello/x"));
        Assert.Equal("200 GET x", await Host.GetAsync("/HELLO/x"));
        Assert.Equal("200 POST nobody", await Host.PostAsync("/hello"));
        Assert.Equal("405", await Host.SendAsync(HttpMethod.Delete, "/hello/x"));
        Assert.Equal("404", await Host.GetAsync("/api/hello/x"));
        Assert.Equal("404", await Host.GetAsync("/"));
        Assert.Equal($$"""200 {"id":"{{id}}","count":3,"rest":"a/b c"}""", await Host.GetAsync($"/typed/{id}/3/a/b%20c"));
        Assert.Equal($$"""200 {"id":"{{id}}","count":3,"rest":null}""", await Host.GetAsync($"/typed/{id}/3"));
        Assert.Equal("404", await Host.GetAsync($"/typed/{id}/three/a"));
        Assert.Equal("404", await Host.GetAsync("/typed/id/3/a"));
        Assert.Equal("""201 {"method":"PUT"}""", await Host.SendAsync(HttpMethod.Put, "/action"));
        Assert.Equal("200 PATCH Plain Plain", await Host.SendAsync(HttpMethod.Patch, "/plain"));
        Assert.Equal("200 7", await Host.GetAsync("/number/7"));
        Assert.Equal("200 -1", await Host.GetAsync("/number"));
        Assert.Equal("200", await Host.GetAsync("/nothing"));
    }

    [Fact]
    public async Task The_function_sees_the_request_as_it_was_sent()
    {
        var authority = Host.Address.Authority;
        Assert.Equal($"200 {authority} ?a=%20b&c y", await Host.SendAsync(HttpMethod.Get, "/seen?a=%20b&c", ("x-given", "y")));
        Assert.Equal("200 x.example  y", await Host.SendAsync(HttpMethod.Get, "/seen", ("Host", "x.example"), ("x-given", "y"), ("x-ms-invocation-id", "forged")));
    }

    [Fact]
    public async Task A_function_runs_in_its_own_scope_on_its_own_instance()
    {
        var first = await Host.GetAsync("/scoped");
        var second = await Host.GetAsync("/scoped");

        Assert.StartsWith("200 True False ", first, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Middleware_sees_each_invocation_and_may_refuse_it()
    {
        using var response = await Host.Http.GetAsync("/hello/x", Test);

        Assert.True(Guid.TryParse(response.Headers.GetValues("x-invocation-id").Single(), out _));
        Assert.Equal("403", await Host.SendAsync(HttpMethod.Get, "/hello/x", ("x-refuse", "1")));
    }

    [Fact]
    public async Task A_key_opens_what_is_not_anonymous()
    {
        Assert.Equal("401", await Host.GetAsync("/locked"));
        Assert.Equal("401", await Host.GetAsync("/locked?code=key"));
        Assert.Equal("401", await Host.SendAsync(HttpMethod.Get, "/locked", ("x-functions-key", "key")));
        Assert.Equal("200 open", await Host.GetAsync("/locked?code=k%2By%2F1%3D"));
        Assert.Equal("200 open", await Host.SendAsync(HttpMethod.Get, "/locked", ("x-functions-key", SharedHost.Key)));
    }

    [Theory]
    [InlineData("/fails")]
    [InlineData("/fails/created")]
    public async Task A_failure_is_an_empty_500_and_is_logged_without_the_query(string path)
    {
        var before = Host.Log.All.Count;

        Assert.Equal("500", await Host.GetAsync(path + "?access_token=hidden"));
        var lines = Host.Log.All.Skip(before).ToList();
        var logged = Assert.Single(lines, line => line.Text.StartsWith("Function Fails failed", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Error, logged.Level);
        Assert.Contains("a secret of the inside", logged.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(lines, line => line.Text.Contains("hidden", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_after_the_answer_has_begun_cuts_it_off()
    {
        using var response = await Host.Http.GetAsync("/failslate", HttpCompletionOption.ResponseHeadersRead, Test);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync(Test));
    }

    [Fact]
    public async Task Settings_come_from_the_local_file_and_the_environment_wins()
    {
        Assert.Equal("200 file", await Host.GetAsync("/setting/FromLocalSettings"));
        Assert.Equal("200 nested", await Host.GetAsync("/setting/Section:Key"));
        Assert.Equal($"200 {Environment.GetEnvironmentVariable("PATH")}", await Host.GetAsync("/setting/PATH"));
        Assert.Equal("200 Development", await Host.GetAsync("/setting/AZURE_FUNCTIONS_ENVIRONMENT"));
    }

    [Fact]
    public async Task A_caller_who_goes_away_cancels_the_invocation()
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(Test);
        var call = Host.Http.GetAsync("/slow/away", gone.Token);
        Assert.Equal("200 away.entered", await Host.GetAsync("/signals/away.entered"));
        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal("200 away.cancelled", await Host.GetAsync("/signals/away.cancelled"));

        // Which is no failure: the worker's line of it, with its stack, is for who looks for it.
        await Eventually.TrueAsync(() => Told().Any());
        Assert.All(Told(), static line => Assert.Equal(LogLevel.Debug, line.Level));

        IEnumerable<LogLine> Told() => Host.Log.All.Where(static line => line.Text.StartsWith("Function 'Slow'", StringComparison.Ordinal) && line.Text.Contains("An exception was thrown", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Orchestrations_run_through_functions_with_middleware_and_scopes()
        => Assert.Equal("200 \"xabc\"", await Host.PostAsync("/chain/x"));

    [Fact]
    public async Task Lines_that_the_worker_logs_are_logged_here_at_their_level()
    {
        foreach (var level in new[] { "Trace", "Information", "Warning", "Error", "Critical" }) await Host.PostAsync($"/log/{level}");
        await Eventually.TrueAsync(() => Host.Log.All.Any(line => line.Text == "told at Critical"));

        // Of less than Information the app's own builder says nothing.
        var lines = Host.Log.All.Where(line => line.Text.StartsWith("told at ", StringComparison.Ordinal)).ToList();
        Assert.Equal([LogLevel.Information, LogLevel.Warning, LogLevel.Error, LogLevel.Critical], lines.Select(line => line.Level));
        Assert.All(lines, line => Assert.Equal(("Dequeue.FunctionsHost.TestApp.HttpFunctions", "Told"), (line.Category, line.Id.Name)));
        Assert.StartsWith("told at Error : System.IO.IOException: the disk", lines[2].Text, StringComparison.Ordinal);
    }
}
