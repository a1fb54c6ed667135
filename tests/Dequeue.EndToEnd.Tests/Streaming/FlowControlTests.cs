using System.Net.WebSockets;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.Functions.Streaming;
using Dequeue.Sync.Streaming;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Dequeue.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.EndToEnd.Tests.Streaming;

public sealed class FlowControlTests
{
    private const string User = "ada";
    private const int Count = 2_400;
    private const int BatchSize = 10;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 1)]
    [InlineData(8, 3)]
    [InlineData(8, 8)]
    [InlineData(25, 24)]
    [InlineData(1000, 1)]
    public async Task A_client_that_acknowledges_gets_everything_and_never_more_than_the_window_ahead(int window, int every)
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, Count);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        var client = new WindowClient(stream, window);
        await client.AskAsync(BatchSize);

        await client.ReadAsync(index => (index + 1) % every == 0 ? client.AcknowledgeAsync(index) : Task.CompletedTask);

        Assert.Equal("sync.stream.complete", RawStream.TypeOf(client.Last));
        Assert.Equal((Count, Count / BatchSize), (client.Events, client.Batches));
        Assert.DoesNotContain(host.Lines.All, line => line.Text.StartsWith("Error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("json")]
    [InlineData("reliable")]
    public async Task An_SDK_client_acknowledges_by_events(string protocol)
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, Count);

        var output = await NodeTools.RunAsync("stream/window.mjs", [(await host.NegotiateAsync(User)).AbsoluteUri, protocol, "6", $"{BatchSize}"], Cancel);

        var result = JsonDocument.Parse(output).RootElement;
        Assert.Equal((Count, Count / BatchSize), (result.GetProperty("events").GetInt32(), result.GetProperty("batches").GetInt32()));
        Assert.InRange(result.GetProperty("ahead").GetInt32(), 2, 6);
    }

    [Fact]
    public async Task Nothing_that_a_client_claims_lets_more_than_the_window_through()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, Count);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        var client = new WindowClient(stream, 4);
        await client.AskAsync(BatchSize);
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        await client.ReadBatchesAsync(4);
        for (var round = 0; round < 5; round++)
        {
            foreach (var nonsense in new[] { client.Batches, client.Batches + 1000, int.MaxValue, client.Acknowledged - 1, 0 })
            {
                if (nonsense >= 0 && nonsense != client.Acknowledged) await stream.SendAsync(WindowClient.Ack(nonsense));
            }

            await client.NothingComesAsync();

            // Less than half of the window is not worth a step; half is.
            await client.AcknowledgeAsync(client.Acknowledged);
            await client.NothingComesAsync();
            await client.AcknowledgeAsync(client.Acknowledged);
            await client.ReadBatchesAsync(2);
            await client.NothingComesAsync();
        }

        Assert.Equal(14, client.Batches);
    }

    [Fact]
    public async Task A_request_that_meets_the_instance_of_the_stream_before_waits_for_its_end()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, Count);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User), subprotocol: "json.webpubsub.azure.v1");
        var connection = (await stream.ReceiveAsync()).Message.GetProperty("connectionId").GetString()!;
        var target = new StreamTarget
        {
            ConnectionId = connection, SpeaksJson = true, App = "dequeue", User = User, RequestId = "before", Options = new StreamOptions(Window: 1),
        };
        var plan = new StreamPlan(Checkpoint.Beginning, Checkpoint.FromTicks(Checkpoint.Beginning.Ticks + 1), 2, 2);
        var full = new StreamProgress(target, plan) { Position = Checkpoint.Beginning, IsReady = true, NextBatch = 1 };
        await host.Durable.ScheduleNewOrchestrationInstanceAsync(
            nameof(StreamSync), new StreamOrder(target, full) { AckPatience = TimeSpan.FromSeconds(1) }, new StartOrchestrationOptions(target.InstanceId), Cancel);

        await stream.SendAsync("""{"type":"event","event":"sync.stream.request","dataType":"json","data":{"window":1,"batchSize":2000}}""", asText: true);
        await stream.ReceiveUntilAsync("sync.stream.error");
        await stream.SendAsync("""{"type":"event","event":"sync.stream.ack","dataType":"json","data":{"batchIndex":0}}""", asText: true);
        await stream.ReceiveUntilAsync("sync.stream.batch");
        await stream.SendAsync("""{"type":"event","event":"sync.stream.ack","dataType":"json","data":{"batchIndex":1}}""", asText: true);
        await stream.ReceiveUntilAsync("sync.stream.complete");
    }

    [Fact]
    public async Task A_stream_that_an_earlier_version_was_to_begin_ends_so_that_its_client_asks_again()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, 10);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User), subprotocol: "json.webpubsub.azure.v1");
        var connection = (await stream.ReceiveAsync()).Message.GetProperty("connectionId").GetString()!;
        var target = new StreamTarget { ConnectionId = connection, SpeaksJson = true, App = "dequeue", User = User, RequestId = "before" };
        await host.Durable.ScheduleNewOrchestrationInstanceAsync(
            nameof(StreamSync), new { Target = target, Since = Checkpoint.Beginning, Begun = (StreamProgress?)null, AckPatience = TimeSpan.FromSeconds(1) },
            new StartOrchestrationOptions(target.InstanceId), Cancel);

        var error = (await stream.ReceiveUntilAsync("sync.stream.error"))[^1];
        Assert.Contains(ErrorCodes.Internal, error.GetRawText(), StringComparison.Ordinal);
        await stream.SendAsync("""{"type":"event","event":"sync.stream.request","dataType":"json","data":{}}""", asText: true);
        await stream.ReceiveUntilAsync("sync.stream.complete");
    }

    [Fact]
    public async Task The_history_of_a_stream_with_many_acknowledgements_starts_over()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, Count);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User), subprotocol: "json.webpubsub.azure.v1");
        var id = StreamTarget.InstanceOf((await stream.ReceiveAsync()).Message.GetProperty("connectionId").GetString()!);
        await stream.SendAsync("""{"type":"event","event":"sync.stream.request","dataType":"json","data":{"window":4,"batchSize":10}}""", asText: true);

        var batches = 0;
        while (RawStream.TypeOf((await stream.ReceiveAsync()).Message) is var type && type != "sync.stream.complete")
        {
            if (type != "sync.stream.batch") continue;
            await stream.SendAsync($$$"""{"type":"event","event":"sync.stream.ack","dataType":"json","data":{"batchIndex":{{{batches++}}}}}""", asText: true);
        }

        await host.Durable.WaitForInstanceCompletionAsync(id, false, Cancel);
        var last = (await host.Durable.GetInstanceAsync(id, getInputsAndOutputs: true, Cancel))!;
        Assert.Equal(Count / BatchSize, batches);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, last.RuntimeStatus);

        // The order of its last run: two thirds of the way were behind it.
        Assert.InRange(last.ReadInputAs<StreamOrder>()!.Begun!.NextBatch, 2 * batches / 3 - 20, batches);
    }

    [Fact]
    public async Task A_client_that_falls_silent_is_told_and_may_ask_again_on_its_connection()
    {
        await using var host = await OperationHost.StartAsync(("Limits:AckSeconds", "3"));
        await host.PushAsync(User, Count);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        var silent = new WindowClient(stream, 3);
        await silent.AskAsync(BatchSize);

        await silent.ReadAsync(_ => Task.CompletedTask);

        Assert.Equal(("sync.stream.error", "STREAM_TIMEOUT"), (RawStream.TypeOf(silent.Last), silent.Last.GetProperty("code").GetString()));
        Assert.Equal(3, silent.Batches);
        Assert.DoesNotContain(await host.Services.GetRequiredService<StreamRegistry>().ListAsync(0, Cancel).ToListAsync(Cancel), row => row.IsRunning);
        Assert.Single(host.Lines.All, line => line.Id == 204 && line.Text.Contains("STREAM_TIMEOUT", StringComparison.Ordinal));

        var again = new WindowClient(stream, 30);
        await again.AskAsync(BatchSize);
        await again.ReadAsync(again.AcknowledgeAsync);
        Assert.Equal("sync.stream.complete", RawStream.TypeOf(again.Last));
        Assert.Equal(Count, again.Events);
        await OperationHost.UntilAsync(async () => await host.Durable.GetAllInstancesAsync().AllAsync(instance => instance.IsCompleted, Cancel));
    }

    [Fact]
    public async Task The_end_of_a_stream_needs_no_acknowledgement()
    {
        await using var host = await OperationHost.StartAsync(("Limits:AckSeconds", "1"));
        await host.PushAsync(User, 30);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        var client = new WindowClient(stream, 3);
        await client.AskAsync(BatchSize);

        await client.ReadAsync(_ => Task.CompletedTask);

        Assert.Equal("sync.stream.complete", RawStream.TypeOf(client.Last));
        Assert.Empty(await host.Durable.GetAllInstancesAsync().ToListAsync(Cancel));
    }

    [Fact]
    public async Task Acknowledgements_without_a_stream_do_nothing()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, 30);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        for (var round = 0; round < 2; round++)
        {
            await stream.SendAsync(WindowClient.Ack(0));
            await stream.SendAsync("""{"type":"sync.stream.ack","batchIndex":7,"events":[]}""");
            await stream.SendAsync("""{"type":"sync.stream.request"}""");
            Assert.Equal(
                ["sync.stream.start", "sync.stream.batch", "sync.stream.complete"], (await stream.ReceiveUntilAsync("sync.stream.complete")).Select(RawStream.TypeOf));
        }

        Assert.Equal(4, host.Lines.All.Count(line => line.Id == 304));
    }

    [Fact]
    public async Task A_malformed_acknowledgement_is_refused_and_the_stream_goes_on()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, Count);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        var client = new WindowClient(stream, 2);
        await client.AskAsync(BatchSize);
        foreach (var malformed in new[] { "{}", """{"batchIndex":-1}""", """{"batchIndex":"0"}""", """{"batchIndex":1.5}""", """{"batchIndex":99999999999}""" })
            await stream.SendAsync(malformed.Replace("{", """{"type":"sync.stream.ack" """ + (malformed == "{}" ? "" : ","), StringComparison.Ordinal));
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        for (var i = 0; i < 2; i++) Assert.Equal("sync.stream.batch", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        for (var i = 0; i < 5; i++) Assert.Equal("INVALID_REQUEST", (await stream.ReceiveAsync()).Message.GetProperty("code").GetString());

        await stream.SendAsync(WindowClient.Ack(1));
        for (var i = 2; i < 4; i++) Assert.Equal(i, (await stream.ReceiveAsync()).Message.GetProperty("batchIndex").GetInt32());
    }

    [Fact]
    public async Task A_client_that_leaves_while_its_acknowledgement_is_awaited_ends_its_stream()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, Count);
        var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await new WindowClient(stream, 2).AskAsync(BatchSize);
        for (var i = 0; i < 3; i++) await stream.ReceiveAsync();
        await OperationHost.UntilAsync(async () => await host.Durable.GetAllInstancesAsync().AnyAsync(instance => instance.IsRunning, Cancel));

        await stream.DisposeAsync();

        await OperationHost.UntilAsync(async () => await host.Durable.GetAllInstancesAsync().AllAsync(instance => instance.RuntimeStatus == OrchestrationRuntimeStatus.Terminated, Cancel));
        await OperationHost.UntilAsync(async () => !await host.Services.GetRequiredService<StreamRegistry>().ListAsync(0, Cancel).AnyAsync(Cancel));
    }

    /// <remarks>
    /// Without a window it used to be cut: Web PubSub closes a client that has 16 MB waiting, and the server went on sending. Now the
    /// stream ends in order before that, with the place and the window to ask again with, and the connection stays.
    /// </remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_slow_reader_gets_a_large_history_over_one_connection_with_a_window_or_is_told_to_ask_for_one(bool hasWindow)
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, 20_000, new string('x', 2_200));
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await stream.SendAsync(hasWindow ? """{"type":"sync.stream.request","window":4}""" : """{"type":"sync.stream.request"}""");

        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        if (!hasWindow) await OperationHost.UntilAsync(async () => !await host.Services.GetRequiredService<StreamRegistry>().ListAsync(0, Cancel).AnyAsync(row => row.IsRunning, Cancel));

        var (batches, bytes, events, asksAgain) = (0, 0L, 0, !hasWindow);
        var checkpoint = "";
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(60));
        while (true)
        {
            await pace.WaitForNextTickAsync(Cancel);
            var (kind, message) = await stream.ReceiveAsync();
            Assert.NotEqual(WebSocketMessageType.Close, kind);
            switch (RawStream.TypeOf(message))
            {
                case "sync.stream.batch":
                    checkpoint = message.GetProperty("checkpoint").GetString()!;
                    bytes += message.GetRawText().Length;
                    events += message.GetProperty("events").GetArrayLength();
                    if (hasWindow) await stream.SendAsync(WindowClient.Ack(batches++));
                    break;
                case "sync.stream.error":
                    Assert.Equal(("STREAM_TIMEOUT", checkpoint, 16), (message.GetProperty("code").GetString(), message.GetProperty("checkpoint").GetString(), message.GetProperty("window").GetInt32()));
                    Assert.InRange(bytes, StreamLimits.MaxUnacknowledgedBytes, StreamLimits.MaxUnacknowledgedBytes + StreamLimits.MaxBatchBytes);
                    (hasWindow, batches) = (true, 0);
                    await stream.SendAsync($$"""{"type":"sync.stream.request","since":"{{checkpoint}}","window":16}""");
                    Assert.Equal(20_000 - events, (await stream.ReceiveAsync()).Message.GetProperty("totalEvents").GetInt32());
                    asksAgain = false;
                    break;
                default:
                    Assert.Equal(("sync.stream.complete", 20_000, false), (RawStream.TypeOf(message), events, asksAgain));
                    return;
            }
        }
    }
}
