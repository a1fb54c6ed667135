using System.Collections.Concurrent;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Live;

/// <summary>
/// Users who were just now found without any connection, so that a device that pushes its queue does not have Web PubSub asked about
/// the others with each push. It knows this process alone: of a device that connected through another one it learns when the memory ends.
/// </summary>
public sealed class AbsentUsers(TimeProvider clock)
{
    /// <summary>How long an answer is believed. A device that comes within it misses what this process is pushed in the rest of it, and
    /// pulls it: seconds, because somebody watches.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromSeconds(3);

    /// <summary>A connection that was announced may be counted by Web PubSub only after our answer has reached it: so long is nobody
    /// remembered as absent.</summary>
    public static readonly TimeSpan Handshake = TimeSpan.FromSeconds(5);

    /// <summary>Users remembered at most, about 1 MB; beyond that they are asked about again.</summary>
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<LogKey, Entry> _entries = new();

    /// <summary>Whether the user is known to have no connection.</summary>
    public bool Has(LogKey log) => _entries.TryGetValue(log, out var entry) && entry is { IsExpected: false } && entry.Until > clock.GetTimestamp();

    /// <summary>Web PubSub has no connection of this user.</summary>
    public void Add(LogKey log)
    {
        if (_entries.Count >= Most) Forget();
        if (_entries.Count >= Most) return;
        var now = clock.GetTimestamp();
        var absent = new Entry(IsExpected: false, now + Ticks(Memory));
        _entries.AddOrUpdate(log, absent, (_, known) => known.IsExpected && known.Until > now ? known : absent);
    }

    /// <summary>A device of this user is about to connect.</summary>
    public void Expect(LogKey log) => _entries[log] = new Entry(IsExpected: true, clock.GetTimestamp() + Ticks(Handshake));

    private void Forget()
    {
        var now = clock.GetTimestamp();
        foreach (var entry in _entries.Where(entry => entry.Value.Until <= now)) _entries.TryRemove(entry);
    }

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * clock.TimestampFrequency);

    private readonly record struct Entry(bool IsExpected, long Until);
}
