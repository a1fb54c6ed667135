namespace Dequeue.Contracts.Events;

/// <summary>
/// One event as a device receives it: its bytes, and the fields that decide whether the device applies it.
/// </summary>
/// <param name="Json">The event object, as the pushing device wrote it. A slice of the message that it came in.</param>
/// <param name="Id">Its id, or null when it has none.</param>
/// <param name="DeviceId">The device that pushed it, or null.</param>
/// <param name="PayloadVersion">Its <c>payload_version</c>, or null.</param>
/// <param name="HasEnvelope">Whether <c>type</c>, <c>ts</c> and an object <c>payload</c> are there.</param>
public readonly record struct SyncEvent(ReadOnlyMemory<byte> Json, string? Id, string? DeviceId, int? PayloadVersion, bool HasEnvelope);
