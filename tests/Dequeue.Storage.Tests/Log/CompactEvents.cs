using System.Globalization;
using System.Text;
using Dequeue.Sync.Log;

namespace Dequeue.Storage.Tests.Log;

/// <summary>An event, and what the rule of compact streams has to know of it, told when it is made and not by reading it.</summary>
/// <param name="Event">The event.</param>
/// <param name="Type">Its type.</param>
/// <param name="Entity">Kind and id; null when it has none.</param>
/// <param name="HasState">Whether it brings a state.</param>
/// <param name="Time">Its device time in ticks.</param>
internal sealed record CompactEvent(NewEvent Event, string Type, string? Entity, bool HasState, long Time)
{
    public string Text => Encoding.UTF8.GetString(Event.Json.Span);
}

/// <summary>Events of all kinds, of devices whose clocks are wrong, about few entities.</summary>
/// <param name="random">Where they come from.</param>
/// <param name="padding">Most bytes that make them larger.</param>
internal sealed class CompactEvents(Random random, int padding)
{
    private static readonly DateTime Start = new(2026, 1, 5, 8, 0, 0, DateTimeKind.Utc);
    private static readonly string[] Kinds = ["task", "stack", "reminder", "tag", "arc", "attachment", "device"];
    private static readonly string[] WithState = ["created", "updated", "activated", "completed", "closed", "delegatedToAI"];
    private static readonly string[] WithoutState = ["deleted", "discarded", "removed"];
    private readonly long[] _skews = [.. Enumerable.Range(0, 3).Select(_ => random.Next(3) == 0 ? TimeSpan.FromDays(random.Next(-20, 20)).Ticks : 0)];
    private int _next;

    /// <summary>The number of the first event. Default 0.</summary>
    public int First
    {
        init => _next = value;
    }

    /// <summary>Entities of each kind. Default 3.</summary>
    public int Entities { get; init; } = 3;

    /// <summary>The next event.</summary>
    public CompactEvent Next()
    {
        var number = _next++;
        var id = $"e{number}";
        var time = Start.Ticks + TimeSpan.FromMinutes(number / 2).Ticks + _skews[random.Next(_skews.Length)];
        if (random.Next(12) == 0) time -= TimeSpan.FromHours(random.Next(300)).Ticks;
        var kind = Kinds[random.Next(Kinds.Length)];
        var entity = $"{kind}{random.Next(Entities)}";
        var state = $$$"""{"id":"{{{entity}}}","n":{{{number}}}.0,"p":"{{{new string('x', random.Next(padding + 1))}}}"}""";
        return random.Next(14) switch
        {
            < 7 => Make(WithState[random.Next(WithState.Length)], $"\"{kind}Id\":\"{entity}\",\"{(random.Next(3) == 0 ? "state" : "fullState")}\":{state}", true),
            < 9 => Make(WithoutState[random.Next(WithoutState.Length)], $"\"{kind}Id\":\"{entity}\"", false),
            9 => Make("reordered", $"\"{kind}Ids\":[\"{entity}\"],\"sortOrders\":[{number}]", null),
            10 => Hostile(),
            11 => Raw("something", "{\"taskId\":\"task0\",\"fullState\":{\"id\":\"task0\"}}", null, false),
            12 => Make("updated", $"\"{kind}Id\":\"{entity}\",\"changes\":{{}},\"fullState\":null", false),
            _ => Make("updated", $"\"{kind}Id\":\"{entity}\",\"fullState\":{{\"id\":\"{entity}\"}},\"state\":{state}", true),
        };

        CompactEvent Make(string verb, string payload, bool? hasState)
            => Raw($"{kind}.{verb}", $"{{{payload}}}", hasState is null ? null : $"{kind}\"{entity}", hasState is true);

        CompactEvent Raw(string type, string payload, string? about, bool hasState)
        {
            var ts = new DateTime(time, DateTimeKind.Utc).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
            var json = $$$"""{"id":"{{{id}}}","ts":"{{{ts}}}","type":"{{{type}}}","payload":{{{payload}}},"payload_version":2}""";
            var milliseconds = time / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond;
            return new CompactEvent(TestEvents.One(id, json), type, about, hasState, milliseconds);
        }

        // What two readers could take for different things has no entity: it comes, and nothing is left out for it.
        CompactEvent Hostile()
            => random.Next(9) switch
            {
                0 => Raw($"{kind}.updated", $$$"""{"{{{kind}}}Id":"{{{kind}}}0","{{{kind}}}\u0049d":"{{{kind}}}1","fullState":{{{state}}}}""", null, false),
                1 => Raw($"{kind}.updated", $$$"""{"{{{kind}}}Id":"{{{kind}}}0","fullState":{{{state}}},"full\u0053tate":null}""", null, false),
                2 => Raw($"{kind}.updated", $$$"""{"{{{kind}}}Id":"{{{kind}}}0","{{{kind}}}Id":"{{{kind}}}1","fullState":{{{state}}}}""", null, false),
                3 => Raw($"{kind}.updated", $$$"""{"{{{kind}}}Id":"{{{entity}}}","fullState":{},"fullState":{{{state}}}}""", null, false),
                4 => Raw($"\\u00{(int)kind[0]:x2}{kind[1..]}.updated", $$$"""{"{{{kind}}}Id":"{{{entity}}}","fullState":{{{state}}}}""", null, false),
                5 => Raw($"{kind}.updated", $$$"""{"{{{kind}}}Id":7,"fullState":{{{state}}}}""", null, false),
                6 => Raw($"{kind}.updated", $$$"""{"{{{kind}}}Id":"\ud800]}{","fullState":{{{state}}}}""", kind + "\"\\ud800]}{", true),
                7 => Raw(".updated", $$$"""{"Id":"{{{entity}}}","fullState":{{{state}}}}""", null, false),
                _ => Raw($"{kind}.updated", $$$"""{"\u0074":1,"{{{kind}}}Id":"{{{entity}}}","fullState":[],"state":{{{state}}}}""", $"{kind}\"{entity}", true),
            };
    }

    /// <summary>The events of a part of a log that a compact stream brings, by the words of the rule.</summary>
    public static List<CompactEvent> Survivors(IReadOnlyList<CompactEvent> part, IReadOnlyList<string> keep)
        => [.. part.Where((e, i) => keep.Contains(e.Type) || e.Entity is null || !part.Skip(i + 1).Any(later => later.HasState && later.Entity == e.Entity && later.Time > e.Time))];
}
