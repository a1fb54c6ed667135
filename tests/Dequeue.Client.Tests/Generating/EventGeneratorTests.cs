using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dequeue.SampleEvents;

namespace Dequeue.Client.Tests.Generating;

public sealed class EventGeneratorTests
{
    private static readonly List<byte[]> History = new EventGenerator(new EventGeneratorOptions { Seed = 7 }).Generate(20_000).ToList();

    [Fact]
    public void The_same_seed_makes_the_same_bytes_and_another_seed_others()
    {
        var again = new EventGenerator(new EventGeneratorOptions { Seed = 7 }).Generate(2_000).ToList();
        var other = new EventGenerator(new EventGeneratorOptions { Seed = 8 }).Generate(2_000).ToList();

        Assert.Equal(History.Take(2_000), again);
        Assert.NotEqual(again, other);
    }

    [Fact]
    public void Every_event_is_minified_json_with_the_envelope_in_the_apps_order()
    {
        string[] envelope = ["id", "user_id", "device_id", "app_id", "ts", "type", "payload", "payload_version", "actor_type", "actor_id"];
        foreach (var json in History)
        {
            using var document = JsonDocument.Parse(json);
            var names = document.RootElement.EnumerateObject().Select(field => field.Name).ToList();
            Assert.Equal(envelope.Take(names.Count), names);
            Assert.InRange(names.Count, 8, 10);
            Assert.Matches("^[0-9a-z]{24}$", document.RootElement.GetProperty("id").GetString());
            Assert.DoesNotContain((byte)'\n', json);
        }
    }

    [Fact]
    public void Ids_are_unique_and_device_times_rise()
    {
        var roots = History.Select(json => JsonNode.Parse(json)!).ToList();
        Assert.Equal(roots.Count, roots.Select(root => (string)root["id"]!).Distinct().Count());
        var times = roots.Select(root => (string)root["ts"]!).ToList();
        Assert.Equal(times.Order(StringComparer.Ordinal), times);
        Assert.InRange(roots.Select(root => (string)root["device_id"]!).Distinct().Count(), 2, 4);
        Assert.InRange(roots.Count(root => (string?)root["actor_type"] == "ai"), 400, 2_500);
    }

    [Fact]
    public void The_mix_and_the_sizes_are_those_of_the_app()
    {
        var families = History.CountBy(Family).ToDictionary(pair => pair.Key, pair => 100.0 * pair.Value / History.Count);
        Assert.InRange(families["task"], 52, 58);
        Assert.InRange(families["stack"], 17, 23);
        Assert.InRange(families["reminder"], 8, 12);
        Assert.InRange(families["tag"], 4, 6);
        Assert.InRange(families["arc"], 4, 6);
        Assert.InRange(families["rest"], 4, 6);
        Assert.InRange(History.Average(json => json.Length), 450, 700);
    }

    [Fact]
    public void It_compresses_as_real_task_data_does()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (var json in History) gzip.Write(json);
        }

        Assert.InRange((double)History.Sum(json => json.Length) / packed.Length, 3.5, 9);
    }

    [Fact]
    public void Changes_lead_from_the_state_before_to_the_full_state()
    {
        var states = new Dictionary<string, JsonObject>();
        var followed = 0;
        foreach (var payload in History.Select(json => JsonNode.Parse(json)!["payload"]!.AsObject()))
        {
            if (payload["sortOrders"] is JsonArray orders)
            {
                var ids = (payload["stackIds"] ?? payload["taskIds"] ?? payload["arcIds"])!.AsArray();
                for (var i = 0; i < ids.Count; i++) states[(string)ids[i]!]["sortOrder"] = (int)orders[i]!;
                continue;
            }

            if ((payload["fullState"] ?? payload["state"]) is not JsonObject state) continue;
            var id = (string)state["id"]!;
            if (payload["changes"] is JsonObject changes)
            {
                var before = states[id];
                foreach (var (name, value) in changes)
                {
                    if (value is null) before.Remove(name);
                    else before[name] = value.DeepClone();
                }

                Assert.True(JsonNode.DeepEquals(before, state), $"{changes} does not lead to {state}, but to {before}");
                followed++;
            }

            states[id] = (JsonObject)state.DeepClone();
        }

        Assert.True(followed > 3_000);
    }

    [Fact]
    public void One_stack_is_active_and_one_task_in_it()
    {
        string? activeStack = null;
        foreach (var root in History.Select(json => JsonNode.Parse(json)!))
        {
            var stack = (string?)root["payload"]!["stackId"];
            switch ((string)root["type"]!)
            {
                case "stack.activated":
                    Assert.Null(activeStack);
                    activeStack = stack;
                    break;
                case "stack.deactivated":
                    Assert.Equal(activeStack, stack);
                    activeStack = null;
                    break;
                case "task.activated":
                    Assert.Equal(activeStack, stack);
                    break;
            }
        }
    }

    private static string Family(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        var type = document.RootElement.GetProperty("type").GetString()!;
        if (type.EndsWith("Arc", StringComparison.Ordinal)) return "arc";
        var family = type.Split('.')[0];
        return family is "task" or "stack" or "reminder" or "tag" or "arc" ? family : "rest";
    }
}
