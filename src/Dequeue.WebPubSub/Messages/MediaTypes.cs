using System.Text.Json;
using System.Text.Unicode;
using Dequeue.WebPubSub.Clients;

namespace Dequeue.WebPubSub.Messages;

/// <summary>The three content types that a payload may have over HTTP.</summary>
internal static class MediaTypes
{
    /// <summary>What a media type without parameters means; none is binary.</summary>
    /// <returns>False for any other type.</returns>
    public static bool TryDataType(string? mediaType, out DataType type)
    {
        (var known, type) = mediaType?.ToLowerInvariant() switch
        {
            "application/json" => (true, DataType.Json),
            "text/plain" => (true, DataType.Text),
            "application/octet-stream" or null => (true, DataType.Binary),
            _ => (false, DataType.Binary),
        };
        return known;
    }

    /// <summary>True when the bytes are what their type says: one JSON value, UTF-8 text, or anything.</summary>
    public static bool IsWellFormed(DataType type, ReadOnlySpan<byte> data)
        => type == DataType.Binary || Utf8.IsValid(data) && (type == DataType.Text || IsJson(data));

    private static bool IsJson(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = ClientRequest.MaxDepth });
            if (!reader.Read()) return false;
            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
