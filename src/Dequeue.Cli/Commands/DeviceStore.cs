using Dequeue.Client;
using Dequeue.Client.Sqlite;
using Dequeue.Contracts.Events;

namespace Dequeue.Cli.Commands;

/// <summary>A device's store: <c>device.db</c> in a folder that is kept, or memory.</summary>
internal sealed class DeviceStore : IAsyncDisposable
{
    private readonly SqliteEventStore? _kept;
    private readonly InMemoryEventStore? _memory;

    private DeviceStore(SqliteEventStore? kept) => (_kept, _memory) = (kept, kept is null ? new InMemoryEventStore() : null);

    public IEventStore Events => (IEventStore?)_kept ?? _memory!;

    public static async Task<DeviceStore> OpenAsync(string? folder, CancellationToken cancellationToken)
        => new(folder is null ? null : await SqliteEventStore.OpenAsync(Path.Combine(folder, "device.db"), cancellationToken));

    /// <summary>The digest of everything that the device holds.</summary>
    public async Task<string> DigestAsync(CancellationToken cancellationToken)
    {
        if (_kept is null) return _memory!.Digest();
        using var digest = new EventDigest();
        await foreach (var json in _kept.ReadAsync(cancellationToken)) digest.Append(json.Span);
        return digest.ToString();
    }

    public ValueTask DisposeAsync() => _kept?.DisposeAsync() ?? ValueTask.CompletedTask;
}
