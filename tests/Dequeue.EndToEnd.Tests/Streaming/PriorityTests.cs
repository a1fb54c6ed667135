using System.Text;
using System.Text.Json;
using Dequeue.Contracts.Events;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Streaming;

public sealed class PriorityTests(Backend backend)
{
    [Theory]
    [InlineData("""{"active":true}""", "s2 t2 r2 r2s")]
    [InlineData("""{"entityIds":["s1"]}""", "s1 t1 o")]
    [InlineData("""{"entityIds":["t1","r2"]}""", "t1 r1 r2")]
    [InlineData("""{"entityIds":["s1"],"active":true}""", "s1 t1 o s2 t2 r2 r2s")]
    [InlineData("""{"entityIds":["nobody"]}""", "")]
    [InlineData("{}", "")]
    public async Task The_events_of_the_entities_come_first_then_ready_then_the_rest_each_part_in_commit_order(string priority, string first)
    {
        var user = backend.NewUser();
        var expected = await PushAsync(user, Story(fillers: 300));

        var messages = await StreamAsync(user, $$"""{"type":"sync.stream.request","batchSize":40,"priority":{{priority}} }""");

        var wanted = first.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var early = expected.Where(e => wanted.Contains(Name(e))).ToList();
        var ready = messages.FindIndex(message => RawStream.TypeOf(message) == "sync.stream.ready");
        Assert.Equal(early, EventsOf(messages.Take(ready)));
        Assert.Equal(expected.Except(early), EventsOf(messages.Skip(ready)));
        Assert.Equal(early.Count, messages[0].GetProperty("priorityEvents").GetInt32());
        Assert.Equal(early.Count, messages[ready].GetProperty("processedEvents").GetInt32());
        Assert.Equal(expected.Count, messages[0].GetProperty("totalEvents").GetInt32());
        Assert.Equal(expected.Count, messages[^1].GetProperty("processedEvents").GetInt32());

        var batches = BatchesOf(messages);
        Assert.Equal(Enumerable.Range(0, batches.Count), batches.Select(batch => batch.GetProperty("batchIndex").GetInt32()));
        Assert.Equal(batches.Count - 1, batches.FindIndex(batch => batch.GetProperty("isLast").GetBoolean()));
        Assert.All(BatchesOf(messages.Take(ready)), batch => Assert.Equal((true, "1970-01-01T00:00:00.0000000Z"), (batch.GetProperty("priority").GetBoolean(), batch.GetProperty("checkpoint").GetString())));
        Assert.All(BatchesOf(messages.Skip(ready)), batch => Assert.False(batch.TryGetProperty("priority", out _)));
        Assert.Equal(Digest(EventsOf(messages)), messages[^1].GetProperty("digest").GetString());
    }

    [Fact]
    public async Task A_stream_that_brings_nothing_else_ends_with_its_priority()
    {
        var user = backend.NewUser();
        var expected = await PushAsync(user, [Event("s", "stack.activated", """{"stackId":"s"}"""), Event("t", "task.created", """{"taskId":"t","stackId":"s"}""")]);

        var messages = await StreamAsync(user, """{"type":"sync.stream.request","priority":{"active":true}}""");

        Assert.Equal(["sync.stream.start", "sync.stream.batch", "sync.stream.ready", "sync.stream.complete"], messages.Select(RawStream.TypeOf));
        Assert.True(messages[1].GetProperty("isLast").GetBoolean());
        Assert.Equal(expected, EventsOf(messages));
    }

    [Fact]
    public async Task An_empty_log_is_ready_at_once()
        => Assert.Equal(
            ["sync.stream.start", "sync.stream.ready", "sync.stream.complete"],
            (await StreamAsync(backend.NewUser(), """{"type":"sync.stream.request","priority":{"active":true}}""")).Select(RawStream.TypeOf));

    [Fact]
    public async Task From_a_checkpoint_only_what_follows_it_comes_first()
    {
        var user = backend.NewUser();
        var expected = await PushAsync(user, Story(fillers: 50));
        var since = BatchesOf(await StreamAsync(user, """{"type":"sync.stream.request","batchSize":30}"""))[0].GetProperty("checkpoint").GetString();

        var messages = await StreamAsync(user, $$$"""{"type":"sync.stream.request","since":"{{{since}}}","priority":{"active":true}}""");

        var later = expected.Skip(30).ToList();
        var early = later.Where(e => Name(e) is "s2" or "t2" or "r2" or "r2s").ToList();
        Assert.NotEmpty(early);
        Assert.Equal([.. early, .. later.Except(early)], EventsOf(messages));
        Assert.All(BatchesOf(messages).Where(batch => batch.TryGetProperty("priority", out _)), batch => Assert.Equal(since, batch.GetProperty("checkpoint").GetString()));
    }

    [Fact]
    public async Task A_long_stream_in_windows_brings_the_same()
    {
        var user = backend.NewUser();
        var expected = await PushAsync(user, [.. Story(fillers: 300), .. user.Generate(22_000).Select(Encoding.UTF8.GetString)]);

        var messages = await StreamAsync(user, """{"type":"sync.stream.request","priority":{"entityIds":["s1"]}}""");

        var early = expected.Where(e => e.Contains("\"device_id\":\"here\"", StringComparison.Ordinal) && Name(e) is "s1" or "t1" or "o").ToList();
        Assert.Equal([.. early, .. expected.Except(early)], EventsOf(messages));
        Assert.Equal(Digest(EventsOf(messages)), messages[^1].GetProperty("digest").GetString());
        Assert.Single(messages, message => RawStream.TypeOf(message) == "sync.stream.ready");
    }

    [Fact]
    public async Task Where_the_last_write_wins_the_final_state_is_that_of_the_plain_order()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(4_000);

        var plain = EventsOf(await StreamAsync(user, """{"type":"sync.stream.request"}"""));
        var first = EventsOf(await StreamAsync(user, """{"type":"sync.stream.request","priority":{"active":true}}"""));

        Assert.NotEqual(plain, first);
        Assert.Equal(plain.Order(StringComparer.Ordinal), first.Order(StringComparer.Ordinal));
        Assert.Equal(State(plain), State(first));
        Assert.NotEqual(State(plain), State(plain.SkipLast(1)));
    }

    // Each entity's state, and each place in an order, is a register of its own: who wrote last, by the device's clock, wins.
    private static SortedDictionary<string, (string Ts, string Id, string Value)> State(IEnumerable<string> events)
    {
        var registers = new SortedDictionary<string, (string Ts, string Id, string Value)>(StringComparer.Ordinal);
        foreach (var json in events)
        {
            using var parsed = JsonDocument.Parse(json);
            var (e, payload) = (parsed.RootElement, parsed.RootElement.GetProperty("payload"));
            var (ts, id, kind) = (e.GetProperty("ts").GetString()!, e.GetProperty("id").GetString()!, e.GetProperty("type").GetString()!.Split('.')[0]);
            if (payload.TryGetProperty(kind + "Id", out var entity)) Write($"{kind} {entity}", payload.GetRawText());
            if (payload.TryGetProperty(kind + "Ids", out var order))
            {
                foreach (var (member, place) in order.EnumerateArray().Zip(payload.GetProperty("sortOrders").EnumerateArray())) Write($"{kind} {member} order", place.GetRawText());
            }

            void Write(string register, string value)
            {
                if (!registers.TryGetValue(register, out var last) || string.CompareOrdinal(last.Ts + last.Id, ts + id) < 0) registers[register] = (ts, id, value);
            }
        }

        return registers;
    }

    // The stack s1 was active, s2 is; each has a task, and reminders hang on both.
    private static List<string> Story(int fillers)
    {
        var story = new List<string>
        {
            Event("s1", "stack.created", """{"stackId":"s1","state":{"id":"s1"}}"""),
            Event("s1", "stack.activated", """{"stackId":"s1","status":"active"}"""),
            Event("t1", "task.created", """{"taskId":"t1","stackId":"s1","state":{"id":"t1"}}"""),
            Event("r1", "reminder.created", """{"reminderId":"r1","parentId":"t1","parentType":"task"}"""),
            Event("s2", "stack.created", """{"state":{"id":"s2"},"stackId":"s2"}"""),
            Event("t2", "task.created", """{"taskId":"t2","stackId":"s2","state":{"id":"t2"}}"""),
            Event("s2", "stack.activated", """{"stackId":"s2","status":"active"}"""),
            Event("x", "stack.deactivated", """{"stackId":"s3"}"""),
            Event("o", "stack.reordered", """{"stackIds":["s3","s1"],"sortOrders":[1,2]}"""),
            Event("r2", "reminder.created", """{"reminderId":"r2","parentId":"t\u0032","parentType":"task"}"""),
            Event("r2s", "reminder.created", """{"reminderId":"r2s","parentId":"s2","parentType":"stack"}"""),
            Event("s2", "stack.updated", """{"stackId":"s2","changes":{"title":"Ü"},"fullState":{"id":"s2","n":1.0}}"""),
        };
        return [.. story.SelectMany(e => Enumerable.Range(0, fillers / story.Count).Select(_ => Event("f", "task.created", """{"taskId":"f","stackId":"sf"}""")).Append(e))];
    }

    private static int _events;

    private static string Event(string name, string type, string payload)
        => $$"""{"id":"{{name}}-{{Interlocked.Increment(ref _events)}}-{{Environment.ProcessId}}","user_id":"","device_id":"here","ts":"2026-01-01T00:00:00Z","type":"{{type}}","payload":{{payload}},"payload_version":2}""";

    private static string Name(string json)
    {
        using var parsed = JsonDocument.Parse(json);
        return parsed.RootElement.GetProperty("id").GetString()!.Split('-')[0];
    }

    private static async Task<List<string>> PushAsync(TestUser user, IReadOnlyList<string> events)
    {
        foreach (var chunk in events.Chunk(1000))
        {
            using var answer = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', chunk)}}]}""");
            Assert.Equal(chunk.Length, (await TestUser.JsonOf(answer)).GetProperty("acknowledged").GetArrayLength());
        }

        return [.. events.Select(e => e.Replace("\"user_id\":\"\"", $"\"user_id\":\"{user.Id}\"", StringComparison.Ordinal))];
    }

    private static async Task<List<JsonElement>> StreamAsync(TestUser user, string request)
    {
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync(request);
        return await stream.ReceiveUntilAsync("sync.stream.complete");
    }

    private static List<JsonElement> BatchesOf(IEnumerable<JsonElement> messages) => [.. messages.Where(message => RawStream.TypeOf(message) == "sync.stream.batch")];

    private static List<string> EventsOf(IEnumerable<JsonElement> messages)
        => [.. BatchesOf(messages).SelectMany(batch => batch.GetProperty("events").EnumerateArray()).Select(e => e.GetRawText())];

    private static string Digest(IEnumerable<string> events) => EventDigest.Of(events.Select(json => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(json)));
}
