using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Dequeue.Contracts.Events;

/// <summary>
/// One event as a device receives it: its bytes, and the fields that decide whether the device applies it. What an app reads beside them
/// (<see cref="Type"/>, <see cref="EntityId"/>, the payload) is read from the bytes when it is asked for.
/// </summary>
/// <param name="Json">The event object, as the pushing device wrote it. A slice of the message that it came in.</param>
/// <param name="Id">Its id, or null when it has none.</param>
/// <param name="DeviceId">The device that pushed it, or null.</param>
/// <param name="PayloadVersion">Its <c>payload_version</c>, or null.</param>
/// <param name="HasEnvelope">Whether <c>type</c>, <c>ts</c> and an object <c>payload</c> are there.</param>
public readonly record struct SyncEvent(ReadOnlyMemory<byte> Json, string? Id, string? DeviceId, int? PayloadVersion, bool HasEnvelope)
{
    /// <summary>What happened, such as <c>task.created</c>; null when the event does not say.</summary>
    public string? Type => EventContent.Type(Json);

    /// <summary>
    /// The id of the entity that the event is about: the string in the payload whose name is what <see cref="Type"/> has before its first
    /// dot, with <c>Id</c> (<c>task.created</c>: <c>taskId</c>); null when there is none.
    /// </summary>
    public string? EntityId => EventContent.EntityId(Json);

    /// <summary>The payload's bytes, a slice of <see cref="Json"/>; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Payload => EventContent.Payload(Json);

    /// <summary>Reads the payload, without reflection.</summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="type">How it is read, from a <c>JsonSerializerContext</c>.</param>
    /// <returns>The payload; the default of <typeparamref name="T"/> when there is none, or it is <c>null</c>.</returns>
    /// <exception cref="JsonException">It is something else.</exception>
    public T? PayloadAs<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        var payload = Payload;
        return payload.IsEmpty ? default : JsonSerializer.Deserialize(payload.Span, type);
    }
}
