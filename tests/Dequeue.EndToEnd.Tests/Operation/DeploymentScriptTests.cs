using System.Diagnostics;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.EndToEnd.Tests.Operation;

/// <summary>scripts/verify-deployment.sh and scripts/postdeploy.sh, against a backend that answers and one that does not.</summary>
public sealed class DeploymentScriptTests : IAsyncLifetime
{
    private const string App = "https://app.example";

    private readonly DirectoryInfo _tools = Directory.CreateTempSubdirectory("dequeue-tools-");
    private Backend _backend = null!;

    public async ValueTask InitializeAsync() => _backend = await Backend.StartAsync(new Dictionary<string, string?> { ["Cors:Origins"] = App });

    public async ValueTask DisposeAsync()
    {
        await _backend.DisposeAsync();
        _tools.Delete(recursive: true);
    }

    [Fact]
    public async Task Every_question_is_answered_as_expected_by_serve()
    {
        var (code, output) = await RunAsync("verify-deployment.sh", Settings(("TOKEN", _backend.NewUser().Token), ("CORS_ORIGINS", App), ("GATEWAY_URI", Root)));

        Assert.True(code == 0, output);
        Assert.EndsWith("16 passed, 0 failed\n", output, StringComparison.Ordinal);
        Assert.Contains("ok      the socket opens", output, StringComparison.Ordinal);
        Assert.Contains("ok      the gateway opens a socket of a user", output, StringComparison.Ordinal);
        Assert.Contains($"ok      pages of {App} may call", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_named_with_what_was_expected_and_no_token_is_shown()
    {
        await using var wrong = await StartAsync(context => context.Response.WriteAsync(
            context.Request.Path == "/v1/sync/stream/negotiate" ? "{\"url\":\"wss://elsewhere.invalid/?access_token=secret\"}" : "Welcome"));
        var address = wrong.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var (code, output) = await RunAsync(
            "verify-deployment.sh", [("SERVICE_API_URI", address), ("WEB_PUBSUB_ENDPOINT", "https://wps.example"), ("TOKEN", "a.secret.token")]);

        Assert.Equal(1, code);
        Assert.Contains("FAILED  Web PubSub may deliver events to the functions (OPTIONS /webpubsub/events)\n          expected wps.example\n          got      nothing\n", output, StringComparison.Ordinal);
        Assert.Contains("FAILED  an event without proof is refused (POST /webpubsub/events)\n          expected 401\n          got      200\n", output, StringComparison.Ordinal);
        Assert.Contains("FAILED  a user gets the URL of a socket (POST /v1/sync/stream/negotiate)\n          expected wps.example\n          got      elsewhere.invalid\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_address_the_script_says_how_to_give_one()
    {
        var (code, output) = await RunAsync("verify-deployment.sh", []);
        Assert.Equal(2, code);
        Assert.Equal("Give the URL of the functions, or set SERVICE_API_URI.\n", output);
    }

    [Fact]
    public async Task After_a_deployment_the_handshake_is_checked_and_the_hub_is_set_again_from_its_template()
    {
        var calls = WriteAz();
        using var negotiated = await _backend.NewUser().PostAsync("/v1/sync/stream/negotiate", "");
        var service = new Uri((await TestUser.JsonOf(negotiated)).GetProperty("url").GetString()!).Host;
        var (code, output) = await RunAsync("postdeploy.sh", Deployed(("WEB_PUBSUB_ENDPOINT", $"https://{service}")));

        Assert.True(code == 0, output);
        Assert.Equal(
            [
                "account show",
                "deployment group create --only-show-errors --output none --resource-group rg-x --name hub-after-deployment "
                + $"--template-file infra/app/web-pubsub-hub.bicep --parameters webPubSubName=wps-x functionsHostName={_backend.Address.Authority} eventAudience=https://webpubsub.azure.com",
            ],
            await File.ReadAllLinesAsync(calls, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Functions_that_do_not_answer_Web_PubSub_fail_the_deployment_and_the_hub_stays()
    {
        var calls = WriteAz();
        var (code, output) = await RunAsync("postdeploy.sh", Deployed(("WEB_PUBSUB_ENDPOINT", "https://another.example")));

        Assert.Equal(1, code);
        Assert.Contains("no socket will open", output, StringComparison.Ordinal);
        Assert.False(File.Exists(calls));
    }

    private string Root => _backend.Address.GetLeftPart(UriPartial.Authority);

    private (string Name, string Value)[] Settings(params (string Name, string Value)[] more) => [("SERVICE_API_URI", Root), .. more];

    private (string Name, string Value)[] Deployed(params (string Name, string Value)[] more) => Settings(
        [
            ("AZURE_RESOURCE_GROUP", "rg-x"), ("WEB_PUBSUB_NAME", "wps-x"), ("WEB_PUBSUB_HUB_AUDIENCE", "https://webpubsub.azure.com"),
            ("HANDSHAKE_SECONDS", "0"), ("PATH", $"{_tools.FullName}:{Environment.GetEnvironmentVariable("PATH")}"), .. more,
        ]);

    // Stands in for the Azure CLI and writes down how it was called.
    private string WriteAz()
    {
        var (tool, calls) = (Path.Combine(_tools.FullName, "az"), Path.Combine(_tools.FullName, "calls"));
        File.WriteAllText(tool, $"#!/bin/sh\necho \"$*\" >> {calls}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        return calls;
    }

    private static async Task<WebApplication> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    private static async Task<(int Code, string Output)> RunAsync(string script, (string Name, string Value)[] environment)
    {
        var scripts = Repository.File("scripts");
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("exec \"$0\" 2>&1");
        start.ArgumentList.Add(Path.Combine(scripts, script));
        foreach (var name in new[] { "TOKEN", "CORS_ORIGINS", "GATEWAY_URI", "SERVICE_API_URI", "WEB_PUBSUB_ENDPOINT", "AZURE_RESOURCE_GROUP" }) start.Environment.Remove(name);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output);
    }
}
