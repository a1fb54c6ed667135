using System.Text.Json;
using System.Text.Json.Serialization;
using Dequeue.Client;
using Dequeue.Client.Sqlite;
using Dequeue.Contracts.Events;

namespace Dequeue.Samples.Todo;

/// <summary>A device with a to-do list: what it shows is what its events say, replayed.</summary>
public sealed class TodoDevice : IAsyncDisposable
{
    private readonly string _name;
    private readonly SqliteEventStore _store;
    private readonly SyncManager _sync;
    private readonly Dictionary<string, string> _open = [];

    private TodoDevice(string name, SqliteEventStore store, SyncManager sync) => (_name, _store, _sync) = (name, store, sync);

    /// <summary>The titles that are not done, in the order they were made.</summary>
    public IReadOnlyList<string> Open => [.. _open.Values.Where(static title => title.Length > 0)];

    /// <summary>Starts a device on its file: the list is there before any network is.</summary>
    public static async Task<TodoDevice> StartAsync(string name, string folder, Uri server, string token)
    {
        var store = await SqliteEventStore.OpenAsync(Path.Combine(folder, $"{name}.db"));
        var sync = new SyncManager(new SyncOptions { Server = server, MaxAttempts = 1 }, store, TokenProviders.Fixed(token));
        var device = new TodoDevice(name, store, sync);
        await foreach (var json in store.ReadAsync()) device.Apply(new SyncEventReader().Read(json));
        return device;
    }

    /// <summary>Adds a to-do, online or not.</summary>
    public Task AddAsync(string title)
    {
        var id = Guid.CreateVersion7().ToString();
        return MakeAsync("task.created", new TodoPayload(id, "inbox", new TodoState(id, title)));
    }

    /// <summary>Ticks a to-do off, online or not.</summary>
    public Task CompleteAsync(string title)
    {
        var id = _open.First(task => task.Value == title).Key;
        return MakeAsync("task.completed", new TodoPayload(id, "inbox", null));
    }

    /// <summary>Sends what was made. Offline it says so, and keeps it.</summary>
    public Task<FlushResult> FlushAsync() => _sync.FlushAsync();

    /// <summary>Gets all that the server has.</summary>
    /// <returns>Why not, or null.</returns>
    public async Task<SyncFailure?> PullAsync()
    {
        try
        {
            await _sync.PullAsync();
        }
        catch (SyncFailedException failed)
        {
            return failed.Failure;
        }

        await foreach (var json in _store.ReadAsync()) Apply(new SyncEventReader().Read(json));
        return null;
    }

    /// <summary>Follows the other devices until <paramref name="isDone"/> holds.</summary>
    /// <returns>False when the time was over before.</returns>
    public async Task<bool> FollowAsync(Func<TodoDevice, bool> isDone, CancellationToken patience)
    {
        if (isDone(this)) return true;
        try
        {
            await foreach (var next in _sync.WatchAsync("list", patience))
            {
                Apply(next);
                if (isDone(this)) return true;
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // Others may need longer than one wants to wait.
        }

        return false;
    }

    /// <summary>The app is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        _sync.Dispose();
        await _store.DisposeAsync();
    }

    private async Task MakeAsync(string type, TodoPayload payload)
    {
        var made = new TodoEvent(Guid.CreateVersion7().ToString(), _name, DateTimeOffset.UtcNow, type, payload, 2);
        var json = JsonSerializer.SerializeToUtf8Bytes(made, TodoJson.Default.TodoEvent);
        await _sync.EnqueueAsync([json]);
        Apply(new SyncEventReader().Read(json));
    }

    // Applying an event twice changes nothing: its own come back from the server.
    private void Apply(SyncEvent next)
    {
        if (next.PayloadAs(TodoJson.Default.TodoPayload) is not { } payload) return;
        if (next.Type == "task.completed") _open[payload.TaskId] = "";
        else if (payload.State is { } state) _open.TryAdd(payload.TaskId, state.Title);
    }
}

internal sealed record TodoEvent(
    string Id, [property: JsonPropertyName("device_id")] string DeviceId, DateTimeOffset Ts, string Type, TodoPayload Payload,
    [property: JsonPropertyName("payload_version")] int PayloadVersion);

internal sealed record TodoPayload(string TaskId, string StackId, TodoState? State);

internal sealed record TodoState(string Id, string Title);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TodoEvent))]
internal sealed partial class TodoJson : JsonSerializerContext;
