using System.Net;

namespace Dequeue.EndToEnd.Tests.Operation;

public sealed class WarmUpTests
{
    [Fact]
    public async Task A_dependency_that_does_not_answer_is_told_in_the_log_and_does_not_stop_the_start()
    {
        await using var host = await OperationHost.StartAsync(("WebPubSubConnectionString", "Endpoint=http://127.0.0.1:1;AccessKey=" + Hosting.Backend.AccessKey));
        using var answer = await host.SendAsync(HttpMethod.Get, "/v1/sync/meta", OperationHost.Token("ada"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await OperationHost.UntilAsync(() => Task.FromResult(host.Lines.All.Any(line => line.Id == 603)));
        Assert.Contains("Web PubSub", Assert.Single(host.Lines.All, line => line.Id == 603).Text);
    }

    [Fact]
    public async Task Health_says_which_dependency_does_not_answer()
    {
        await using var host = await OperationHost.StartAsync(("WebPubSubConnectionString", "Endpoint=http://127.0.0.1:1;AccessKey=" + Hosting.Backend.AccessKey));
        using var answer = await host.Http.GetAsync("/healthz", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        var detail = (await Hosting.TestUser.JsonOf(answer)).GetProperty("detail").GetString();
        Assert.Contains("Web PubSub", detail);
        Assert.DoesNotContain("storage", detail);
    }
}
