using System.Text;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Sync.Log.Entities;

/// <summary>
/// Reads which entities an event concerns: those that its payload names at its top level, by a string whose name ends in <c>Id</c>,
/// or in an array whose name ends in <c>Ids</c>. One reader serves many events, one after another.
/// </summary>
internal sealed class EventEntities
{
    /// <summary>Most UTF-8 bytes of an id, which has one at least: any other is not an entity's. The app's ids have 25.</summary>
    public const int MaxIdBytes = Limits.EntityIdBytes;

    /// <summary>Most entities of an event: the first that it names. It bounds the rows that one page can make.</summary>
    public const int MaxEntities = 32;

    /// <summary>One byte of text is at most six escaped: <c>\u0041</c>.</summary>
    private const int MaxRawIdBytes = MaxIdBytes * 6;

    private readonly EntityKey[] _keys = new EntityKey[MaxEntities];
    private int _count;

    /// <summary>The entities of the event that was read last, each once, in the order named.</summary>
    public ReadOnlySpan<EntityKey> Keys => _keys.AsSpan(0, _count);

    /// <summary>The task of an event of type <c>task.*</c>: its <c>taskId</c>, when that is one of <see cref="Keys"/>.</summary>
    public EntityKey? Task { get; private set; }

    /// <summary>Reads an event. What is no event concerns nothing.</summary>
    public void Read(ReadOnlySpan<byte> json)
    {
        _count = 0;
        Task = null;
        if (!EventOutline.TryRead(json, out var outline)) return;
        var isOfTask = Utf8(outline.Type).StartsWith("task."u8);
        var reader = new Utf8JsonReader(outline.Payload);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName && _count < MaxEntities)
        {
            var name = Utf8(JsonText.Of(ref reader));
            var (isOne, isMany) = (name.EndsWith("Id"u8), name.EndsWith("Ids"u8));
            var isTask = isOfTask && name.SequenceEqual("taskId"u8);
            reader.Read();
            if (isMany && reader.TokenType == JsonTokenType.StartArray) ReadArray(ref reader);
            else if (isOne && reader.TokenType == JsonTokenType.String && Add(JsonText.Of(ref reader)) is { } key && isTask) Task = key;
            else reader.Skip();
        }
    }

    private void ReadArray(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.String && _count < MaxEntities) Add(JsonText.Of(ref reader));
            else reader.Skip();
        }
    }

    private EntityKey? Add(JsonText text)
    {
        if (text.Raw.Length > MaxRawIdBytes || Utf8(text) is not { Length: > 0 and <= MaxIdBytes } id) return null;
        var key = EntityKey.Of(id);
        if (!Keys.Contains(key)) _keys[_count++] = key;
        return key;
    }

    /// <summary>The text; nothing when it is no valid Unicode. Only one that is written with escapes is copied.</summary>
    private static ReadOnlySpan<byte> Utf8(JsonText text)
        => !text.Raw.Contains((byte)'\\') ? text.Raw : text.GetString() is { } plain ? Encoding.UTF8.GetBytes(plain) : [];
}
