using System.Globalization;
using System.Text;
using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Options;

/// <summary>
/// About 3,000 events, many of them spelled as no JSON library would, pushed in such sizes that the log has full pages, folded ones
/// and a tail of small ones.
/// </summary>
internal sealed class OptionHistory
{
    private const int Generated = 3_000, BeforeMiddle = 1_234;

    private readonly List<string> _events;
    private int _later;

    private OptionHistory(TestUser user, List<string> events, List<string> entities) => (User, _events, Entities) = (user, events, entities);

    public TestUser User { get; }

    /// <summary>A stack and a task of the history.</summary>
    public IReadOnlyList<string> Entities { get; }

    /// <summary>The checkpoint after the first 1,234 events: inside a page.</summary>
    public string Middle { get; private set; } = "";

    public static async Task<OptionHistory> PushAsync(TestUser user)
    {
        var generated = user.Generate(Generated).Select((json, i) => Hostile(Encoding.UTF8.GetString(json), i)).ToList();
        var entities = new[] { "stackId", "taskId" }.Select(name => generated.Select(json => Payload(json)).Last(payload => payload.TryGetProperty(name, out _)).GetProperty(name).GetString()!).ToList();
        var events = generated;
        foreach (var (at, json) in Hot()) events.Insert(Math.Min(at, events.Count), json.Replace("USER", user.Id.Value, StringComparison.Ordinal));

        var history = new OptionHistory(user, events, entities);
        int[] sizes = [1000, 1, 7, 90, 300, 1, 2, 3, 1, 1, 16, 40, 600];
        for (var (at, push) = (0, 0); at < events.Count; push++)
        {
            // The last ones in small pushes: the tail.
            var size = Math.Min(events.Count - at > 120 ? sizes[push % sizes.Length] : 9, events.Count - at);
            await history.PushAsync(events.GetRange(at, size));
            at += size;
        }

        // A page has at most 1,000 events.
        using var first = await user.PostAsync("/v1/sync/pull", """{"limit":1000}""");
        var since = (await TestUser.JsonOf(first)).GetProperty("nextCheckpoint").GetString();
        using var second = await user.PostAsync("/v1/sync/pull", $$"""{"since":"{{since}}","limit":{{BeforeMiddle - 1000}}}""");
        history.Middle = (await TestUser.JsonOf(second)).GetProperty("nextCheckpoint").GetString()!;
        return history;
    }

    /// <summary>One more event, for a client that listens.</summary>
    public string Next()
    {
        var number = (++_later).ToString(CultureInfo.InvariantCulture);
        return Event($"later-{number}", "task.created", $$$"""{"taskId":"later","stackId":"nowhere","state":{"id":"later","n":{{{number}}}.0}}""").Replace("USER", User.Id.Value, StringComparison.Ordinal);
    }

    /// <summary>Notes that an event was pushed.</summary>
    public void Add(string json) => _events.Add(json);

    public async Task PushAsync(IEnumerable<string> events)
    {
        using var answer = await User.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', events)}}]}""");
        Assert.Equal(0, (await TestUser.JsonOf(answer)).GetProperty("rejected").GetArrayLength());
    }

    /// <summary>The events that a stream brings, in its order, and how many of them come before <c>ready</c>; null when nobody asked for that.</summary>
    public (List<string> Events, int? Ready) Expected(OptionRow row)
    {
        var events = row.FromMiddle ? _events[BeforeMiddle..] : _events;
        if (row.Compact is { } compact) events = Survivors(events, compact.Keep);
        if (!row.Active && !row.Entities) return ([.. events], null);
        var first = events.Where(json => (row.Active && json.StartsWith("""{"id":"hot-""", StringComparison.Ordinal)) || (row.Entities && Names(Payload(json), Entities))).ToList();
        Assert.NotEmpty(first);
        return ([.. first, .. events.Except(first)], first.Count);
    }

    /// <summary>How many events there are, those that are left out too.</summary>
    public int Length(OptionRow row) => _events.Count - (row.FromMiddle ? BeforeMiddle : 0);

    private static List<string> Survivors(List<string> events, IReadOnlyList<string> keep)
    {
        var newest = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        var survivors = new List<string>();
        foreach (var json in Enumerable.Reverse(events))
        {
            var (e, payload) = (JsonDocument.Parse(json).RootElement, Payload(json));
            var type = e.GetProperty("type").GetString()!;
            var kind = type[..type.IndexOf('.', StringComparison.Ordinal)];
            var entity = payload.TryGetProperty(kind + "Id", out var id) ? $"{kind} {id}" : null;
            var time = e.GetProperty("ts").GetDateTimeOffset();
            if (entity is null || keep.Contains(type) || !newest.TryGetValue(entity, out var later) || time >= later) survivors.Add(json);
            if (entity is not null && (payload.TryGetProperty("fullState", out _) || payload.TryGetProperty("state", out _)))
                newest[entity] = newest.TryGetValue(entity, out var known) && known > time ? known : time;
        }

        survivors.Reverse();
        return survivors;
    }

    private static JsonElement Payload(string json) => JsonDocument.Parse(json).RootElement.GetProperty("payload");

    private static bool Names(JsonElement payload, IReadOnlyList<string> ids)
        => payload.EnumerateObject().Any(member =>
            (member.Name.EndsWith("Id", StringComparison.Ordinal) && member.Value.ValueKind == JsonValueKind.String && ids.Contains(member.Value.GetString()!))
            || (member.Name.EndsWith("Ids", StringComparison.Ordinal) && member.Value.ValueKind == JsonValueKind.Array && member.Value.EnumerateArray().Any(id => ids.Contains(id.GetString()!))));

    private static string Hostile(string json, int i)
        => (i % 8) switch
        {
            0 => json.Replace("\"sortOrder\":0", "\"sortOrder\":0.0", StringComparison.Ordinal).Replace("\"payload_version\":2", "\"payload_version\":2,\"n\":-0.0", StringComparison.Ordinal),
            1 => json.Replace("\"title\":\"", "\"title\":\"\\u00e9\\\\\\\"}]{ ,", StringComparison.Ordinal),
            2 => json.Replace("\"deleted\":false", "\"deleted\":false,\"big\":123456789012345678901234567890,\"e\":1E+2", StringComparison.Ordinal),
            3 => json.Replace("\"deleted\":false", "\"x\":{\"z\":null,\"é🙂\":\"\\ud800\",\"\":[{}]},\"deleted\":false", StringComparison.Ordinal),
            4 => json.Replace("\"deleted\":false", "\"deleted\":false,\"deleted\":true", StringComparison.Ordinal),
            5 => json.Replace("\"payload\":{", "\"payload\":{\"\\u0074\":1.50,", StringComparison.Ordinal),
            _ => json,
        };

    // The stack that is active in the end, a task of it and a reminder, strewn over the log.
    private static IEnumerable<(int At, string Json)> Hot()
    {
        yield return (10, Event("hot-1", "stack.created", """{"stackId":"hot","state":{"id":"hot","title":"a","n":1.0}}"""));
        yield return (1_100, Event("hot-2", "task.created", """{"taskId":"hot-t","stackId":"hot","state":{"id":"hot-t","title":"b"}}"""));
        yield return (1_500, Event("hot-3", "reminder.created", """{"reminderId":"hot-r","parentId":"hot-t","parentType":"task","state":{"id":"hot-r"}}"""));
        yield return (2_200, Event("hot-4", "stack.updated", """{"stackId":"hot","changes":{"n":1.00},"fullState":{"id":"hot","title":"a","n":1.00}}"""));
        yield return (int.MaxValue, Event("hot-5", "stack.activated", """{"stackId":"hot","status":"active"}"""));
    }

    private static string Event(string id, string type, string payload)
        => $$"""{"id":"{{id}}","user_id":"USER","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"{{type}}","payload":{{payload}},"payload_version":2}""";
}
