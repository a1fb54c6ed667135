using System.Net.WebSockets;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Functions.Streaming;
using Dequeue.Functions.Sweeping;
using Dequeue.Functions.Telemetry;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Azure.Messaging.WebPubSub;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Operation;

public sealed class SweepTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private OperationHost _host = null!;
    private StreamRegistry _registry = null!;
    private StreamSweep _sweep = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await OperationHost.StartAsync();
        _registry = _host.Services.GetRequiredService<StreamRegistry>();
        _sweep = new StreamSweep(
            _registry, _host.Services.GetRequiredService<WebPubSubServiceClient>(), _host.Services.GetRequiredService<SyncTelemetry>(), _clock, NullLogger<StreamSweep>.Instance);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Streams_of_connections_that_have_gone_are_removed_and_the_others_stay()
    {
        await using var open = await OpenAsync("ada");
        await BeginAsync("ada", open.Connection);
        await BeginAsync("ada", "gone-1");
        await BeginAsync("bob", "gone-2");
        await BeginAsync("bob", "gone-idle");
        await _registry.EndAsync(OperationHost.Log("bob"), "gone-idle", "r", Cancel);

        Assert.Equal(SweepReport.Nothing, await SweepAsync());
        _clock.Advance(StreamSweep.StuckAfter - TimeSpan.FromMinutes(1));
        Assert.Equal(SweepReport.Nothing, await SweepAsync());
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(new SweepReport(2, 1, 0), await SweepAsync());
        Assert.Equal(["gone-idle"], await RowsAsync());
        _clock.Advance(StreamSweep.IdleAfter);
        Assert.Equal(new SweepReport(1, 0, 0), await SweepAsync());
        Assert.Empty(await RowsAsync());
        Assert.Equal(SweepReport.Nothing, await SweepAsync());
    }

    [Fact]
    public async Task A_stream_that_makes_no_progress_is_ended_with_its_connection_which_may_come_again()
    {
        await using var open = await OpenAsync("ada");
        await BeginAsync("ada", open.Connection);
        await open.Stream.SendAsync(Request(), asText: true);
        Assert.Equal("INVALID_REQUEST", (await open.Stream.ReceiveUntilAsync("sync.stream.refused"))[^1].GetProperty("data").GetProperty("code").GetString());

        _clock.Advance(StreamSweep.StuckAfter + TimeSpan.FromMinutes(1));
        Assert.Equal(new SweepReport(0, 1, 0), await SweepAsync());
        var kind = WebSocketMessageType.Text;
        while (kind != WebSocketMessageType.Close) (kind, _) = await open.Stream.ReceiveAsync();
        Assert.Empty(await RowsAsync());

        await using var again = await OpenAsync("ada");
        await again.Stream.SendAsync(Request(), asText: true);
        await again.Stream.ReceiveUntilAsync("sync.stream.complete");
    }

    [Fact]
    public async Task A_running_orchestration_of_a_connection_that_has_gone_is_ended_and_its_history_goes_later()
    {
        // Far from its end, and told of nothing: as if the disconnected event had been lost.
        await BeginAsync("ada", "gone");
        var id = StreamTarget.InstanceOf("gone");
        await _host.Durable.ScheduleNewOrchestrationInstanceAsync(
            nameof(StreamSync), new StreamOrder(new StreamTarget { ConnectionId = "gone", App = "dequeue", User = "ada", RequestId = "r" }, null), new StartOrchestrationOptions(id, TimeProvider.System.GetUtcNow().AddHours(5)), Cancel);

        _clock.Advance(StreamSweep.StuckAfter + TimeSpan.FromMinutes(1));
        var first = await SweepAsync();
        await _host.Durable.WaitForInstanceCompletionAsync(id, false, Cancel);
        Assert.Equal((1, 0), (first.Orphaned, first.Stuck));
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await _host.Durable.GetInstanceAsync(id, false, Cancel))!.RuntimeStatus);

        _clock.Advance(StreamSweep.HistoryLife);
        Assert.Equal(1, (await SweepAsync()).Purged);
        Assert.Null(await _host.Durable.GetInstanceAsync(id, false, Cancel));
    }

    [Fact]
    public async Task An_ended_orchestration_of_a_living_connection_is_kept_because_a_next_stream_may_take_its_id()
    {
        await _host.PushAsync("ada", 21_000);
        await using var open = await OpenAsync("ada");
        await open.Stream.SendAsync(Request(), asText: true);
        await open.Stream.ReceiveUntilAsync("sync.stream.complete");
        var id = StreamTarget.InstanceOf(open.Connection);
        await _host.Durable.WaitForInstanceCompletionAsync(id, false, Cancel);

        _clock.Advance(StreamSweep.HistoryLife + TimeSpan.FromMinutes(1));
        Assert.Equal(0, (await SweepAsync()).Purged);
        await open.Stream.DisposeAsync();
        await OperationHost.UntilAsync(async () => (await SweepAsync()).Purged == 1);
        Assert.Null(await _host.Durable.GetInstanceAsync(id, false, Cancel));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_that_waits_for_an_acknowledgement_is_let_be_until_it_has_waited_for_too_long(bool hasGone)
    {
        await _host.PushAsync("ada", 30);
        await using var open = await OpenAsync("ada");
        await open.Stream.SendAsync("""{"type":"event","event":"sync.stream.request","dataType":"json","data":{"window":1,"batchSize":10}}""", asText: true);
        var id = StreamTarget.InstanceOf(open.Connection);
        await OperationHost.UntilAsync(async () => await _host.Durable.GetInstanceAsync(id, false, Cancel) is { IsRunning: true });

        // The longest that Limits__AckSeconds allows.
        _clock.Advance(TimeSpan.FromSeconds(300));
        Assert.Equal(SweepReport.Nothing, await SweepAsync());
        Assert.True((await _host.Durable.GetInstanceAsync(id, false, Cancel))!.IsRunning);

        _clock.Advance(StreamSweep.StuckAfter);
        if (hasGone)
        {
            // Web PubSub tells of its end, too; whoever comes first.
            await open.Stream.DisposeAsync();
            await SweepAsync();
        }
        else
        {
            Assert.Equal(new SweepReport(0, 1, 0), await SweepAsync());
        }

        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await _host.Durable.WaitForInstanceCompletionAsync(id, false, Cancel)).RuntimeStatus);
        await OperationHost.UntilAsync(async () => (await RowsAsync()).Count == 0);
    }

    [Fact]
    public async Task A_replayed_request_of_a_connection_that_has_gone_reaches_nobody_and_leaves_a_row_that_the_sweep_takes()
    {
        await _host.PushAsync("ada", 2);
        var open = await OpenAsync("ada");
        await open.Stream.SendAsync(Request(), asText: true);
        await open.Stream.ReceiveUntilAsync("sync.stream.complete");
        await open.Stream.DisposeAsync();
        await OperationHost.UntilAsync(async () => (await RowsAsync()).Count == 0);

        Assert.Equal(StreamClaim.Granted, await _registry.BeginAsync(OperationHost.Log("ada"), open.Connection, "replayed", 20, Cancel));
        _clock.Advance(StreamSweep.StuckAfter + TimeSpan.FromMinutes(1));
        Assert.Equal(new SweepReport(1, 0, 0), await SweepAsync());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Request() => """{"type":"event","event":"sync.stream.request","dataType":"json","data":{}}""";

    private Task<SweepReport> SweepAsync() => _sweep.RunAsync(_host.Durable, Cancel);

    private async Task BeginAsync(string user, string connection)
        => Assert.Equal(StreamClaim.Granted, await _registry.BeginAsync(OperationHost.Log(user), connection, "r", 20, Cancel));

    private async Task<List<string>> RowsAsync() => await _registry.ListAsync(0, Cancel).Select(row => row.Connection).ToListAsync(Cancel);

    private async Task<Opened> OpenAsync(string user)
    {
        var stream = await RawStream.OpenAsync(await _host.NegotiateAsync(user), subprotocol: "json.webpubsub.azure.v1");
        return new Opened(stream, (await stream.ReceiveAsync()).Message.GetProperty("connectionId").GetString()!);
    }

    private sealed record Opened(RawStream Stream, string Connection) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Stream.DisposeAsync();
    }
}
