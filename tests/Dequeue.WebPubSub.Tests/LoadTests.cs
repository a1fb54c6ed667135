using System.Net.WebSockets;
using Azure.Core;
using Dequeue.WebPubSub;

namespace Dequeue.WebPubSub.Tests;

public sealed class LoadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_does_not_read_is_closed_and_the_others_get_everything(bool json)
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var slow = json
            ? await service.ConnectJsonAsync(Cancel, "slow", groups: "g")
            : await RawClient.ConnectAsync(await service.UrlAsync("slow", groups: ["g"]), Cancel);
        using var fast = await service.ConnectJsonAsync(Cancel, "fast", groups: "g");
        var text = new string('x', 900_000);
        var sent = 0;

        while (await service.Client.UserExistsAsync("slow"))
        {
            await service.SendTextAsync("g", $"{sent++} {text}");
            Assert.Equal($"{sent - 1} {text}", (string?)(await fast.ReadAsync(Cancel)).Json["data"]);
            Assert.True(sent < 200, "The slow client was never closed.");
        }

        // 16 MiB wait in the service, what more was sent lies in the buffers of the sockets.
        Assert.True(sent * text.Length > 16 * 1024 * 1024);
        await service.SendTextAsync("g", "end");
        Assert.Equal("end", (string?)(await fast.ReadAsync(Cancel)).Json["data"]);
        Frame last;
        do last = await slow.ReadAsync(Cancel);
        while (last.Close is null);
        Assert.Equal((WebSocketCloseStatus.PolicyViolation, "The outbound message queue is full."), (last.Close, last.CloseText));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_waits_for_all_clients_together_is_bounded_at_the_cost_of_who_lets_most_wait(bool reliable)
    {
        const int MaxInAll = 12 * 1024 * 1024;
        await using var service = await ServiceFixture.StartAsync(Cancel, ServiceFixture.Patient(new WebPubSubLimits { MaxQueuedBytesInAll = MaxInAll }));
        var slow = new List<RawClient>();
        for (var i = 0; i < 6; i++) slow.Add(await service.ConnectJsonAsync(Cancel, $"slow-{i}", reliable, $"g{i}"));
        using var fast = await service.ConnectJsonAsync(Cancel, "fast", reliable: false, "fast");
        var text = new string('x', 900_000);

        // Each of them alone may let 16 MiB wait.
        for (var i = 0; i < 6 * 14; i++)
        {
            await service.SendTextAsync($"g{i % 6}", text);
            await service.SendTextAsync("fast", $"{i}");
            Assert.Equal($"{i}", (string?)(await fast.ReadAsync(Cancel)).Json["data"]);
        }

        var closed = 0;
        for (var i = 0; i < 6; i++) closed += await service.Client.UserExistsAsync($"slow-{i}") ? 0 : 1;
        Assert.InRange(closed, 1, 6);
        Assert.True(await service.Client.UserExistsAsync("fast"));
        foreach (var client in slow) client.Dispose();
    }

    [Fact]
    public async Task A_message_that_waits_for_many_counts_once()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel, ServiceFixture.Patient(new WebPubSubLimits { MaxQueuedBytesInAll = 8 * 1024 * 1024 }));
        var clients = new List<RawClient>();
        for (var i = 0; i < 40; i++) clients.Add(await service.ConnectJsonAsync(Cancel, $"user-{i}", reliable: true, "all"));
        for (var i = 0; i < 4; i++) await service.SendTextAsync("all", new string('x', 900_000));

        for (var i = 0; i < 40; i++) Assert.True(await service.Client.UserExistsAsync($"user-{i}"));
        foreach (var client in clients) client.Dispose();
    }

    [Fact]
    public async Task A_client_that_sends_but_does_not_read_is_closed_too()
    {
        // The answers are small: only their number can be too much.
        await using var service = await ServiceFixture.StartAsync(
            Cancel, ServiceFixture.Patient(new WebPubSubLimits { MaxQueuedBytes = long.MaxValue }));
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");
        var ping = "{\"type\":\"ping\"}"u8.ToArray();

        var sending = SendUntilClosedAsync();
        await Wait.UntilAsync(async () => !await service.Client.UserExistsAsync("ann"), Cancel);
        ann.Drop();
        await sending;

        async Task SendUntilClosedAsync()
        {
            try
            {
                while (true) await ann.Socket.SendAsync(ping, WebSocketMessageType.Text, true, Cancel);
            }
            catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or InvalidOperationException or ObjectDisposedException)
            {
            }
        }
    }

    [Fact]
    public async Task A_thousand_clients_at_once_all_get_a_message()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        var clients = new RawClient[1000];
        try
        {
            await Parallel.ForAsync(0, clients.Length, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Cancel }, async (i, cancel) =>
                clients[i] = await service.ConnectJsonAsync(cancel, $"user {i}", reliable: i % 2 == 0, "all"));

            await service.SendTextAsync("all", "hello");
            await service.Client.SendToUserAsync("user 999", RequestContent.Create("you"), ContentType.TextPlain);

            foreach (var client in clients) Assert.Equal("hello", (string?)(await client.ReadAsync(Cancel)).Json["data"]);
            Assert.Equal("you", (string?)(await clients[999].ReadAsync(Cancel)).Json["data"]);
            using var rest = new RestCaller(service.Server);
            Assert.Equal(204, (await rest.SendAsync("POST", "groups/all/:closeConnections")).Status);
            foreach (var client in clients) Assert.Equal("disconnected", (string?)(await client.ReadAsync(Cancel)).Json["event"]);
            Assert.False(await service.Client.GroupExistsAsync("all"));
        }
        finally
        {
            foreach (var client in clients) client?.Dispose();
        }
    }

    [Fact]
    public async Task A_stream_of_large_messages_arrives_whole_and_in_order()
    {
        // Nothing holds the sender back, so the test must not depend on how fast the reader is given its turns.
        await using var service = await ServiceFixture.StartAsync(
            Cancel, ServiceFixture.Patient(new WebPubSubLimits { MaxQueuedBytes = 128 * 1024 * 1024 }));
        using var client = await RawClient.ConnectAsync(await service.UrlAsync("ann", groups: ["g"]), Cancel);
        var reading = ReadAllAsync();
        for (var i = 0; i < 100; i++)
        {
            var body = new byte[900_000];
            body.AsSpan().Fill((byte)i);
            await service.Client.SendToGroupAsync("g", RequestContent.Create(body), ContentType.ApplicationOctetStream);
        }

        await reading;

        async Task ReadAllAsync()
        {
            for (var i = 0; i < 100; i++)
            {
                var frame = await client.ReadAsync(Cancel);
                Assert.Equal((WebSocketMessageType.Binary, 900_000), (frame.Type, frame.Data.Length));
                Assert.False(frame.Data.AsSpan().ContainsAnyExcept((byte)i));
            }
        }
    }
}
