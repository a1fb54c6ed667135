using System.Text;
using System.Text.Json;
using Dequeue.SampleEvents;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Events to push.</summary>
internal static class TestEvents
{
    /// <summary>A small event, or one with the bytes given.</summary>
    public static NewEvent One(string id, string? json = null)
        => new(EventId.Parse(id), Encoding.UTF8.GetBytes(json ?? $$$"""{"id":"{{{id}}}","type":"task.created","payload":{}}"""), 1_700_000_000_000);

    /// <summary>An event of so many bytes, as incompressible as JSON text gets: the base64 of random bytes.</summary>
    public static NewEvent Sized(string id, int bytes, Random random)
    {
        var frame = $$"""{"id":"{{id}}","p":""}""".Length;
        var noise = new byte[bytes];
        random.NextBytes(noise);
        return One(id, $$"""{"id":"{{id}}","p":"{{Convert.ToBase64String(noise)[..(bytes - frame)]}}"}""");
    }

    /// <summary>A realistic history, or one of tasks that are changed again and again.</summary>
    public static List<NewEvent> Many(int count, int? lastingTasks = null)
        => [.. new EventGenerator(new EventGeneratorOptions { LastingTasks = lastingTasks }).Generate(count).Select((json, i) => new NewEvent(Id(json), json, i))];

    private static EventId Id(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return EventId.Parse(EventFields.Read(ref reader, json).Id!);
    }
}
