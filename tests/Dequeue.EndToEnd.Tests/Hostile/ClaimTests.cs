using Azure.Messaging.WebPubSub;
using System.Net;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Sync.Streaming;
using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>A request that starts no stream leaves nothing behind.</summary>
public sealed class ClaimTests
{
    private const string User = "ada";
    private const string LiveRequest = """{"type":"sync.stream.request","live":true}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_live_request_that_is_refused_while_a_stream_runs_brings_nothing_live()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, 40);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await using var witness = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await witness.SendAsync(LiveRequest);
        await witness.ReceiveUntilAsync("sync.stream.complete");
        var client = new WindowClient(stream, 1);
        await client.AskAsync(batchSize: 10);
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        await client.ReadBatchesAsync(1);

        await stream.SendAsync(LiveRequest);
        Assert.Equal("sync.stream.refused", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        await host.Services.AppendAsync(User, "later-", 1, tell: true);
        await witness.ReceiveUntilAsync("sync.stream.live");

        await client.NothingComesAsync();
    }

    [Fact]
    public async Task A_live_request_beyond_the_users_streams_brings_nothing_live()
    {
        await using var host = await OperationHost.StartAsync(("Limits:StreamsPerUser", "1"));
        var registry = host.Services.GetRequiredService<StreamRegistry>();
        await registry.BeginAsync(OperationHost.Log(User), "another", "r", 1, Cancel);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await stream.SendAsync(LiveRequest);
        Assert.Equal("RATE_LIMITED", (await stream.ReceiveAsync()).Message.GetProperty("code").GetString());

        var hub = host.Services.GetRequiredService<WebPubSubServiceClient>();
        Assert.False(await hub.GroupExistsAsync(Functions.Live.LiveGroup.OfStreams(OperationHost.Log(User), speakJson: false)));
    }

    [Fact]
    public async Task A_live_stream_that_fails_is_live_no_more()
    {
        await using var host = await OperationHost.StartAsync(("Limits:AckSeconds", "1"));
        await host.PushAsync(User, 40);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await stream.SendAsync("""{"type":"sync.stream.request","live":true,"window":1,"batchSize":10}""");
        var error = (await stream.ReceiveUntilAsync("sync.stream.error"))[^1];
        Assert.Equal("STREAM_TIMEOUT", error.GetProperty("code").GetString());

        var hub = host.Services.GetRequiredService<WebPubSubServiceClient>();
        Assert.False(await hub.GroupExistsAsync(Functions.Live.LiveGroup.OfStreams(OperationHost.Log(User), speakJson: false)));
    }

    [Fact]
    public async Task A_client_that_has_left_when_its_live_request_arrives_is_everyday()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, 3);
        using var answer = await new SignedEvent(OperationHost.Log(User), "gone", LiveRequest).SendAsync(host.Http);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.DoesNotContain(host.Lines.All, line => line.Text.StartsWith("Error", StringComparison.Ordinal) || line.Text.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Single(host.Lines.All, line => line.Id == 203);
        Assert.False(await host.Services.GetRequiredService<StreamRegistry>().ListAsync(0, Cancel).AnyAsync(Cancel));
    }
}
