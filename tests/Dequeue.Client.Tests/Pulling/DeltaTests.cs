using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts.Streaming.Deltas;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>States that come as patches are stored as they were pushed.</summary>
public sealed class DeltaTests
{
    private const int Events = 2000;
    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);
    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_history_of_patches_ends_up_as_it_was_pushed()
    {
        await using var server = await PatchedAsync(static (_, _) => Task.CompletedTask);
        using var sync = new SyncManager(Patched(server), _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, true, Events), (result.Transport, result.DigestVerified, (int)result.Added));
        Assert.InRange(result.Bytes, 1, server.Log.Sum(static json => json.Length) * 9 / 10);
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task A_step_that_is_repeated_begins_anew_and_does_no_harm()
    {
        await using var server = await TestServer.StartAsync(Events);
        server.Script = async script =>
        {
            await script.StartAsync();
            await SendAsync(script, 0, 8);
            await SendAsync(script, 5, script.Batches);
            await script.CompleteAsync();
        };
        using var sync = new SyncManager(Patched(server), _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, true, Events), (result.Transport, result.DigestVerified, (int)result.Events));
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task A_patch_that_fits_no_state_leaves_the_rest_to_pages()
    {
        await using var server = await PatchedAsync(static (script, index) => index == 4
            ? script.SendAsync("""{"type":"sync.stream.batch","batchIndex":4,"isLast":false,"checkpoint":"2026-03-01T00:00:00.0499Z","deltas":[0],"events":[{"id":"x","type":"task.updated","payload":{"taskId":"none","fullState":{"a":1}}}]}""")
            : Task.CompletedTask);
        using var sync = new SyncManager(Patched(server), _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Rest, SyncFailureKind.BadAnswer, Events - 400), (result.Transport, result.StreamFailure!.Kind, server.Paged));
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task Patches_that_were_not_asked_for_are_not_stored_as_events()
    {
        await using var server = await PatchedAsync(static (_, _) => Task.CompletedTask);
        using var sync = new SyncManager(server.Options, _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Rest, SyncFailureKind.BadAnswer), (result.Transport, result.StreamFailure!.Kind));
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task A_server_that_knows_no_patches_sends_all_whole()
    {
        await using var server = await TestServer.StartAsync(Events);
        using var sync = new SyncManager(Patched(server), _store, Tokens);

        Assert.Equal(SyncTransport.Stream, (await sync.PullAsync(cancellationToken: Cancelled)).Transport);
        Assert.Equal(server.Digest(), _store.Digest());
    }

    private static async Task SendAsync(StreamScript script, int from, int to, Func<StreamScript, int, Task>? before = null)
    {
        var encoder = new DeltaEncoder();
        for (var index = from; index < to; index++)
        {
            if (before is not null) await before(script, index);
            await script.SendAsync(script.Patched(index, encoder));
        }
    }

    private static SyncOptions Patched(TestServer server) => server.Options with { Delta = true };

    private static async Task<TestServer> PatchedAsync(Func<StreamScript, int, Task> before)
    {
        var server = await TestServer.StartAsync(Events);
        server.Script = async script =>
        {
            await script.StartAsync();
            await SendAsync(script, 0, script.Batches, before);
            await script.CompleteAsync();
        };
        return server;
    }
}
