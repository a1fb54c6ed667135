using System.Text;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.ShippedApp;

public sealed class ShippedAppOnSqliteTests(Backend backend) : ShippedAppTests
{
    protected override Task<Backend> BackendAsync() => Task.FromResult(backend);
}

/// <summary>The same with the event log in a real Table Storage server.</summary>
public sealed class ShippedAppOnAzuriteTests(AzuriteBackend backend) : ShippedAppTests, IClassFixture<AzuriteBackend>
{
    protected override async Task<Backend> BackendAsync()
    {
        try
        {
            return await backend.BackendAsync();
        }
        catch (NodeUnavailableException missing)
        {
            Assert.Skip(missing.Message);
            throw;
        }
    }
}

/// <summary>A backend on Azurite, started when it is first asked for.</summary>
public sealed class AzuriteBackend : IAsyncDisposable
{
    private readonly Lazy<Task<Backend>> _backend;

    public AzuriteBackend(Azurite azurite)
        => _backend = new Lazy<Task<Backend>>(async () => await Backend.StartAsync(new Dictionary<string, string?>(), await azurite.ConnectionStringAsync()));

    public Task<Backend> BackendAsync() => _backend.Value;

    public async ValueTask DisposeAsync()
    {
        if (_backend is { IsValueCreated: true, Value.IsCompletedSuccessfully: true }) await (await _backend.Value).DisposeAsync();
    }
}

/// <summary>What the shipped app does, on any storage.</summary>
public abstract class ShippedAppTests
{
    protected abstract Task<Backend> BackendAsync();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(1_000)]
    [InlineData(1_001)]
    [InlineData(10_000)]
    [InlineData(25_000)]
    public async Task A_fresh_device_gets_the_whole_history_in_order(int count)
    {
        var backend = await BackendAsync();
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(count);
        var app = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token);

        await app.StreamAsync(Token);

        Assert.Equal(pushed.Select(Encoding.UTF8.GetString), app.Applied);
        Assert.Equal(count, app.AnnouncedTotal);
        Assert.Equal(count, app.Processed);
        Assert.Equal(Enumerable.Range(0, app.BatchIndexes.Count), app.BatchIndexes);
        Assert.Equal(count == 0 ? 0 : 1, app.LastBatches);
        Assert.Equal(0, app.TextFramesSkipped);
    }

    [Fact]
    public async Task What_was_streamed_once_is_not_streamed_again()
    {
        var backend = await BackendAsync();
        var user = backend.NewUser();
        await user.PushHistoryAsync(1_500);
        var app = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token);
        await app.StreamAsync(Token);
        var checkpoint = app.Checkpoint;

        await app.StreamAsync(Token);

        Assert.Equal(0, app.AnnouncedTotal);
        Assert.Equal(0, app.Processed);
        Assert.Equal(checkpoint, app.Checkpoint);
    }

    [Fact]
    public async Task A_stream_goes_on_from_the_checkpoint_of_a_REST_page()
    {
        var backend = await BackendAsync();
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(2_345);
        using var answer = await user.PostAsync("/v1/sync/pull", """{"since":"1970-01-01T00:00:00Z","limit":777}""");
        var page = await TestUser.JsonOf(answer);
        var app = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token);
        await app.PullAsync(Token);
        var whole = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token);
        var resumed = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token) { StartAt = page.GetProperty("nextCheckpoint").GetString()! };

        await whole.StreamAsync(Token);
        await resumed.StreamAsync(Token);

        Assert.Equal(777, page.GetProperty("events").GetArrayLength());
        Assert.Equal(pushed.Skip(777).Select(Encoding.UTF8.GetString), resumed.Applied);
        Assert.Equal(whole.Applied, app.Applied);
        Assert.Equal(whole.Checkpoint, resumed.Checkpoint);
    }

    [Fact]
    public async Task An_event_pushed_late_with_an_old_time_still_reaches_a_device_that_synced_before()
    {
        var backend = await BackendAsync();
        var user = backend.NewUser();
        await user.PushHistoryAsync(10);
        var app = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token);
        await app.StreamAsync(Token);
        const string Late = """{"id":"late00000000000000000001","user_id":"","device_id":"d","app_id":"dequeue","ts":"2001-01-01T00:00:00.000Z","type":"tag.deleted","payload":{"tagId":"t"},"payload_version":2}""";
        using var pushed = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{Late}}]}""");

        await app.StreamAsync(Token);

        Assert.Equal(11, app.Applied.Count);
        Assert.Contains("late00000000000000000001", app.Applied[^1], StringComparison.Ordinal);
    }
}
