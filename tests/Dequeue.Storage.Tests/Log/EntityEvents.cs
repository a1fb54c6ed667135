using System.Text;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Entities;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Events about a few entities, and what the index is to find of them, told from the rules by parsing each event.</summary>
internal static class EntityEvents
{
    private const int Stacks = 4, Tasks = 9, Others = 6;

    /// <summary>An event about some of the entities s0 … t0 … o0 …, with up to so many bytes of padding.</summary>
    public static NewEvent Make(string id, Random random, int padding)
    {
        var (stack, task, other) = ($"s{random.Next(Stacks)}", $"t{random.Next(Tasks)}", $"o{random.Next(Others)}");
        var (type, payload) = random.Next(9) switch
        {
            0 or 1 => ("task.updated", $$$"""{"taskId":"{{{task}}}","stackId":"{{{stack}}}","fullState":{"parentId":"{{{other}}}"}}"""),
            2 => ("task.moved", $$$"""{"fromStackId":"{{{stack}}}","toStackId":"s{{{random.Next(Stacks)}}}","task\u0049d":"\u0074{{{task[1..]}}}"}"""),
            3 => ("stack.activated", $$$"""{"stackId":"{{{stack}}}"}"""),
            4 => (random.Next(2) == 0 ? "stack.completed" : "stack.deactivated", $$$"""{"stackId":"{{{stack}}}"}"""),
            5 => ("stack.reordered", $$$"""{"stackIds":["{{{stack}}}","s{{{random.Next(Stacks)}}}"],"sortOrders":[1,2]}"""),
            6 => ("reminder.created", $$$"""{"reminderId":"{{{other}}}","parentId":"{{{task}}}","parentType":"task"}"""),
            7 => ("attachment.added", $$$"""{"attachmentId":"{{{other}}}","parentId":"{{{(random.Next(2) == 0 ? task : stack)}}}"}"""),
            _ => ("tag.created", """{"tagId":null,"state":{"stackId":"s0"}}"""),
        };
        return TestEvents.One(id, $$$"""{"id":"{{{id}}}","type":"{{{type}}}","payload":{{{payload}}},"p":"{{{new string('x', random.Next(padding))}}}"}""");
    }

    /// <summary>A question about those entities.</summary>
    public static EntityQuery Query(Random random)
    {
        string[] all = [.. Names('s', Stacks), .. Names('t', Tasks), .. Names('o', Others), "nothing"];
        return new EntityQuery(random.GetItems(all, random.Next(4)), random.Next(3) == 0 ? null : $"s{random.Next(Stacks + 1)}");
    }

    /// <summary>The events of <c>(after, through]</c> that a question is about.</summary>
    public static List<StoredEvent> Concerned(this List<StoredEvent> log, EntityQuery query, Checkpoint after, Checkpoint through)
    {
        var wanted = query.EntityIds.ToHashSet(StringComparer.Ordinal);
        if (query.ActiveStackId is { } stack)
        {
            wanted.Add(stack);
            foreach (var e in log.Where(e => e.At <= through && e.Names().Contains(stack)))
            {
                var json = JsonDocument.Parse(e.Text).RootElement;
                if (json.GetProperty("type").GetString()!.StartsWith("task.", StringComparison.Ordinal)) wanted.Add(json.GetProperty("payload").GetProperty("taskId").GetString()!);
            }
        }

        return log.FindAll(e => e.At > after && e.At <= through && e.Names().Overlaps(wanted));
    }

    /// <summary>The active stack after some events.</summary>
    public static string? ActiveStack(IEnumerable<NewEvent> events)
    {
        string? active = null;
        foreach (var e in events)
        {
            var json = JsonDocument.Parse(Encoding.UTF8.GetString(e.Json.Span)).RootElement;
            if (!json.TryGetProperty("payload", out var payload) || !payload.TryGetProperty("stackId", out var stack)) continue;
            var type = json.GetProperty("type").GetString();
            if (type == "stack.activated") active = stack.GetString();
            else if (type is "stack.deactivated" or "stack.completed" or "stack.closed" or "stack.discarded" or "stack.deleted" && stack.GetString() == active) active = null;
        }

        return active;
    }

    private static IEnumerable<string> Names(char kind, int count) => Enumerable.Range(0, count).Select(i => $"{kind}{i}");

    private static HashSet<string> Names(this StoredEvent e)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var padding = e.Text.LastIndexOf(",\"p\":\"", StringComparison.Ordinal);
        var text = padding < 0 ? e.Text : e.Text[..padding] + "}";
        foreach (var member in JsonDocument.Parse(text).RootElement.GetProperty("payload").EnumerateObject())
        {
            if (member.Name.EndsWith("Id", StringComparison.Ordinal) && member.Value.ValueKind == JsonValueKind.String) names.Add(member.Value.GetString()!);
            if (member.Name.EndsWith("Ids", StringComparison.Ordinal) && member.Value.ValueKind == JsonValueKind.Array) names.UnionWith(member.Value.EnumerateArray().Select(id => id.GetString()!));
        }

        return names;
    }
}
