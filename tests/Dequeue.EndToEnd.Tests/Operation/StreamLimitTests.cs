using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Sync.Streaming;
using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.EndToEnd.Tests.Operation;

public sealed class StreamLimitTests
{
    private const string Request = """{"type":"sync.stream.request"}""";

    [Fact]
    public async Task A_user_with_as_many_streams_as_allowed_is_refused_another_and_other_users_are_not()
    {
        await using var host = await OperationHost.StartAsync(("Limits:StreamsPerUser", "2"));
        var registry = host.Services.GetRequiredService<StreamRegistry>();
        await host.PushAsync("ada", 3);
        foreach (var other in new[] { "c1", "c2" })
            Assert.Equal(StreamClaim.Granted, await registry.BeginAsync(OperationHost.Log("ada"), other, "r", 2, TestContext.Current.CancellationToken));

        await using var third = await RawStream.OpenAsync(await host.NegotiateAsync("ada"));
        await third.SendAsync(Request);
        var refusal = (await third.ReceiveAsync()).Message;
        Assert.Equal(("sync.stream.error", "RATE_LIMITED"), (refusal.GetProperty("type").GetString(), refusal.GetProperty("code").GetString()));

        await using var bob = await RawStream.OpenAsync(await host.NegotiateAsync("bob"));
        await bob.SendAsync(Request);
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await bob.ReceiveAsync()).Message));

        await registry.EndAsync(OperationHost.Log("ada"), "c1", "r", TestContext.Current.CancellationToken);
        await third.SendAsync(Request);
        Assert.Equal(3, (await third.ReceiveUntilAsync("sync.stream.complete"))[1].GetProperty("events").GetArrayLength());
    }

    [Fact]
    public async Task Streams_one_after_the_other_are_not_limited()
    {
        await using var host = await OperationHost.StartAsync(("Limits:StreamsPerUser", "1"));
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync("ada"));
        for (var i = 0; i < 5; i++)
        {
            await stream.SendAsync(Request);
            await stream.ReceiveUntilAsync("sync.stream.complete");
        }
    }
}
