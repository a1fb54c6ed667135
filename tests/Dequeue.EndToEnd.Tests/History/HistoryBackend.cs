using Dequeue.Client;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Storage;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.EndToEnd.Tests.History;

/// <summary>A backend whose storage is erased, backed up and put back while it runs.</summary>
public sealed class HistoryBackend : IAsyncLifetime
{
    public Backend Backend { get; private set; } = null!;

    public IPartitionedTable Table { get; private set; } = null!;

    public EventLog Events { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Backend = await Backend.StartAsync(new Dictionary<string, string?> { ["Limits:CallsPerSecond"] = "2000" });
        Table = EventLogStorage.Open("sqlite:" + Path.Combine(Backend.Folder, "events.db"));
        Events = new EventLog(Table, TimeProvider.System, NullLogger<EventLog>.Instance);
    }

    public static LogKey LogOf(TestUser user) => new(AppId.Parse("dequeue"), user.Id);

    public SyncManager Device(
        TestUser user, IEventStore store, StreamEndpoint stream = StreamEndpoint.Negotiated, StreamCompact? compact = null)
        => new(
            new SyncOptions
            {
                Server = Backend.Address, Stream = stream, Compact = compact,
                BaseDelay = TimeSpan.FromMilliseconds(5), MaxDelay = TimeSpan.FromMilliseconds(50),
            },
            store, (_, _) => ValueTask.FromResult(user.Token));

    public async Task<string> BackUpAsync(string name)
    {
        var file = Path.Combine(Backend.Folder, name);
        await EventLogBackup.WriteAsync(Table, file, TestContext.Current.CancellationToken);
        return file;
    }

    public async Task RestoreAsync(string file)
        => Assert.NotNull(await EventLogBackup.RestoreAsync(file, Table, overwrite: true, TestContext.Current.CancellationToken));

    public Task<long> EraseAsync(TestUser user) => Events.EraseAsync(LogOf(user), TestContext.Current.CancellationToken);

    public async Task<(long Events, string? Digest)> LogAsync(TestUser user)
    {
        var head = await Events.ReadHeadAsync(LogOf(user), TestContext.Current.CancellationToken);
        return (head.Count, head.Digest);
    }

    public async ValueTask DisposeAsync()
    {
        (Table as IDisposable)?.Dispose();
        await Backend.DisposeAsync();
    }
}
