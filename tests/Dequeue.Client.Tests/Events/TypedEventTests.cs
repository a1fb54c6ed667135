using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Tests.Events;

public sealed partial class TypedEventTests
{
    [Theory]
    [InlineData("""{"type":"task.created","payload":{"stackId":"s","taskId":"t"}}""", "task.created", "t")]
    [InlineData("""{"payload":{"stackId":"s"},"type":"stack.assignedToArc"}""", "stack.assignedToArc", "s")]
    [InlineData("""{"type":"t\u0061sk.x","payload":{"task\u0049d":"\u00e9"}}""", "task.x", "é")]
    [InlineData("""{"type":"task.created","payload":{"taskId":7}}""", "task.created", null)]
    [InlineData("""{"type":"task.created"}""", "task.created", null)]
    [InlineData("""{"type":".created","payload":{"Id":"x"}}""", ".created", null)]
    [InlineData("""{"type":"created","payload":{"createdId":"x"}}""", "created", null)]
    [InlineData("""{"type":7,"payload":{"taskId":"t"}}""", null, null)]
    [InlineData("{}", null, null)]
    public void An_event_tells_its_type_and_its_entity(string json, string? type, string? entity)
        => Assert.Equal((type, entity), (Event(json).Type, Event(json).EntityId));

    [Fact]
    public void A_payload_is_read_as_what_it_is_and_as_its_bytes()
    {
        var next = Event("""{"id":"a","payload":{"taskId":"t", "state":{"title":"Milk"}},"type":"task.created"}""");

        var payload = next.PayloadAs(TypedJson.Default.TaskPayload);

        Assert.Equal(new TaskPayload("t", new TaskState("Milk")), payload);
        Assert.Equal("""{"taskId":"t", "state":{"title":"Milk"}}""", Encoding.UTF8.GetString(next.Payload.Span));
        Assert.Null(Event("{}").PayloadAs(TypedJson.Default.TaskPayload));
        Assert.Throws<JsonException>(() => Event("""{"payload":{"taskId":{}}}""").PayloadAs(TypedJson.Default.TaskPayload));
    }

    private static SyncEvent Event(string json) => new(Encoding.UTF8.GetBytes(json), "a", null, 2, true);

    internal sealed record TaskPayload(string TaskId, TaskState State);

    internal sealed record TaskState(string Title);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(TaskPayload))]
    internal sealed partial class TypedJson : JsonSerializerContext;
}
