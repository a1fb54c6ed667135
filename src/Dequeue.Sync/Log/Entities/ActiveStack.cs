using System.Text;
using System.Text.Json;
using Dequeue.Contracts.Events;

namespace Dequeue.Sync.Log.Entities;

/// <summary>Follows which stack is active: there is one at most, and the last event that says so counts.</summary>
internal static class ActiveStack
{
    /// <summary>The active stack after an event.</summary>
    /// <param name="active">The one before it, or null.</param>
    /// <param name="json">The event.</param>
    public static string? After(string? active, ReadOnlySpan<byte> json)
    {
        if (!EventOutline.TryRead(json, out var outline)) return active;
        var begins = outline.Type.Equals("stack.activated"u8);
        if (!begins && !Ends(outline.Type) || StackId(outline.Payload) is not { } stack) return active;
        if (begins) return Encoding.UTF8.GetByteCount(stack) <= LogHead.MaxStackIdBytes ? stack : null;
        return stack == active ? null : active;
    }

    private static bool Ends(JsonText type)
        => type.Equals("stack.deactivated"u8) || type.Equals("stack.completed"u8) || type.Equals("stack.closed"u8)
            || type.Equals("stack.discarded"u8) || type.Equals("stack.deleted"u8);

    private static string? StackId(ReadOnlySpan<byte> payload)
    {
        var reader = new Utf8JsonReader(payload);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isStackId = JsonText.Of(ref reader).Equals("stackId"u8);
            reader.Read();
            if (isStackId && reader.TokenType == JsonTokenType.String) return JsonText.Of(ref reader).GetString();
            reader.Skip();
        }

        return null;
    }
}
