using System.Globalization;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Sync.Log;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Events of realistic shape and size, the same for the same seed.</summary>
internal static class TestEvents
{
    private static readonly string[] Verbs = ["Call", "Review", "Write", "Plan", "Fix", "Book", "Clean", "Send", "Read", "Prepare", "Order", "Discuss"];
    private static readonly string[] Nouns = ["the dentist", "quarterly report", "garden fence", "slides for Monday", "tax papers", "kitchen", "flight to Oslo", "draft", "bike", "invoices"];

    public static NewEvent One(string id, string? json = null)
        => new(EventId.Parse(id), Encoding.UTF8.GetBytes(json ?? $$$"""{"id":"{{{id}}}","type":"task.created","payload":{}}"""), 1_700_000_000_000);

    public static NewEvent Sized(string id, int bytes, Random random)
    {
        // Base64 of random bytes: as incompressible as JSON text gets.
        var frame = $$"""{"id":"{{id}}","p":""}""".Length;
        var noise = new byte[bytes];
        random.NextBytes(noise);
        return One(id, $$"""{"id":"{{id}}","p":"{{Convert.ToBase64String(noise)[..(bytes - frame)]}}"}""");
    }

    public static List<NewEvent> Many(int count, int seed = 1)
    {
        var random = new Random(seed);
        var stacks = Enumerable.Range(0, 12).Select(_ => Cuid(random)).ToArray();
        var tasks = new List<string>();
        var device = new Guid(Enumerable.Range(0, 16).Select(i => (byte)random.Next(256)).ToArray()).ToString();
        var ms = 1_760_000_000_000L;
        return Enumerable.Range(0, count).Select(_ => Task()).ToList();

        NewEvent Task()
        {
            ms += random.Next(1, 90_000);
            var isNew = tasks.Count == 0 || random.Next(4) == 0;
            var task = isNew ? Cuid(random) : tasks[random.Next(Math.Max(0, tasks.Count - 40), tasks.Count)];
            if (isNew) tasks.Add(task);
            var id = Cuid(random);
            var time = DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
            var title = $"{Verbs[random.Next(Verbs.Length)]} {Nouns[random.Next(Nouns.Length)]}";
            var state = $$"""{"id":"{{task}}","stackId":"{{stacks[random.Next(stacks.Length)]}}","title":"{{title}}","status":"pending","sortOrder":{{random.Next(50)}},"createdAt":{{ms - random.Next(1_000_000)}},"updatedAt":{{ms}},"deleted":false}""";
            var payload = isNew
                ? $$"""{"taskId":"{{task}}","state":{{state}}}"""
                : $$"""{"taskId":"{{task}}","changes":{"title":"{{title}}"},"fullState":{{state}}}""";
            var json = $$"""{"id":"{{id}}","user_id":"user_2x9Qm","device_id":"{{device}}","app_id":"dequeue","ts":"{{time}}","type":"{{(isNew ? "task.created" : "task.updated")}}","payload":{{payload}},"payload_version":2}""";
            return new NewEvent(EventId.Parse(id), Encoding.UTF8.GetBytes(json), ms);
        }
    }

    private static string Cuid(Random random) => "c" + string.Concat(Enumerable.Range(0, 23).Select(_ => "0123456789abcdefghijklmnopqrstuvwxyz"[random.Next(36)]));
}
