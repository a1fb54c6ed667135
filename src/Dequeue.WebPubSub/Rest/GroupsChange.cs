using System.Text.Json;
using System.Text.Json.Serialization;
using Dequeue.WebPubSub.Hubs;

namespace Dequeue.WebPubSub.Rest;

/// <summary>Body of <c>:addToGroups</c> and <c>:removeFromGroups</c>.</summary>
internal sealed record GroupsChange(IReadOnlyList<string> Groups, string? Filter)
{
    /// <summary>Reads the body; null when it is malformed or a group has no group name.</summary>
    public static GroupsChange? Read(byte[] utf8)
    {
        try
        {
            var body = JsonSerializer.Deserialize(utf8, GroupsChangeJson.Default.GroupsChange);
            return body?.Groups is { } groups && groups.All(Names.IsGroup) ? body : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(GroupsChange))]
internal sealed partial class GroupsChangeJson : JsonSerializerContext;
