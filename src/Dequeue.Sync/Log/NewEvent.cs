using Dequeue.Contracts;

namespace Dequeue.Sync.Log;

/// <summary>One event to append, validated.</summary>
/// <param name="Id">The event's <c>id</c>: stored once per log.</param>
/// <param name="Json">The event: one minified JSON object, at most <see cref="EventLog.MaxEventBytes"/>.</param>
/// <param name="DeviceTimeMs">Its <c>ts</c> in Unix milliseconds.</param>
public readonly record struct NewEvent(EventId Id, ReadOnlyMemory<byte> Json, long DeviceTimeMs);
