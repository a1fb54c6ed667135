using Dequeue.Client.Sqlite;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Pulling;

public sealed class ResumeTests
{
    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(10)]
    public async Task After_a_cut_at_any_batch_nothing_saved_is_fetched_again(int batches)
    {
        await using var server = await TestServer.StartAsync(1000);
        server.Script = async script =>
        {
            server.Script = static refused => refused.CloseAsync();
            await script.StartAsync();
            for (var index = 0; index < batches; index++) await script.BatchAsync(index);
            await script.CloseAsync();
        };
        var store = new InMemoryEventStore();
        using var sync = new SyncManager(server.Options, store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        var saved = batches == 0 ? Checkpoint.Beginning : TestServer.At(batches * 100 - 1);
        Assert.Equal([Checkpoint.Beginning, saved, saved], server.Asked);
        Assert.Equal((1000, 1000), (result.Events, result.Added));
        Assert.Equal(server.Digest(), store.Digest());
    }

    [Theory]
    [InlineData(150)]
    [InlineData(300)]
    [InlineData(60_000)]
    [InlineData(200_001)]
    [InlineData(431_777)]
    public async Task After_a_cut_at_any_byte_the_stream_goes_on_where_the_last_batch_was_saved(long bytes)
    {
        await using var server = await TestServer.StartAsync(1000);
        await using var proxy = new CuttingProxy(server.Address, bytes);
        server.Intercept = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/negotiate", StringComparison.Ordinal)) return false;
            await context.Response.WriteAsync($$"""{"url":"ws://{{proxy.Authority}}/client/hubs/sync","expiresAt":"2026-11-22T08:15:30Z"}""");
            return true;
        };
        var store = new RecordingStore();
        using (var sync = new SyncManager(server.Options, store, Tokens))
        {
            var result = await sync.PullAsync(cancellationToken: Cancelled);

            // The first 150 bytes are the answer to the upgrade: no stream has begun.
            Assert.Equal(bytes == 150 ? SyncTransport.Rest : SyncTransport.Stream, result.Transport);
        }

        Assert.True(proxy.HasCut);
        Assert.Contains(server.Asked[^1], store.Checkpoints.Prepend(Checkpoint.Beginning));
        Assert.Equal(1000, store.Received);
        Assert.Equal(server.Digest(), store.Inner.Digest());
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task A_pull_that_was_cancelled_in_the_middle_goes_on_there_after_a_restart()
    {
        await using var server = await TestServer.StartAsync(1000);
        var path = Path.Combine(Directory.CreateTempSubdirectory("dequeue-").FullName, "state.db");
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled))
        await using (var store = await SqliteEventStore.OpenAsync(path, Cancelled))
        {
            using var sync = new SyncManager(server.Options, new RecordingStore(store, afterSaves: 3, stop.Cancel), Tokens);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sync.PullAsync(cancellationToken: stop.Token));
        }

        await using var reopened = await SqliteEventStore.OpenAsync(path, Cancelled);
        using var again = new SyncManager(server.Options, reopened, Tokens);
        var result = await again.PullAsync(cancellationToken: Cancelled);

        Assert.Equal([Checkpoint.Beginning, TestServer.At(299)], server.Asked);
        Assert.Equal(700, result.Added);
        using var digest = new EventDigest();
        await foreach (var json in reopened.ReadAsync(Cancelled)) digest.Append(json.Span);
        Assert.Equal(server.Digest(), digest.ToString());
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task A_history_pushed_late_is_appended_by_the_next_pull()
    {
        await using var server = await TestServer.StartAsync(250);
        var late = server.Log[200..];
        server.Log.RemoveRange(200, 50);
        var store = new InMemoryEventStore();
        using var sync = new SyncManager(server.Options, store, Tokens);
        await sync.PullAsync(cancellationToken: Cancelled);

        server.Log.AddRange(late);
        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((50, 50), (result.Events, result.Added));
        Assert.Equal(server.Digest(), store.Digest());
    }
}
