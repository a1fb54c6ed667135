using System.Text;
using System.Text.Json;

namespace Dequeue.Client.Tests.Conversations;

/// <summary>One scripted conversation of tests/conversations, whose README has the format.</summary>
/// <param name="file">Its file.</param>
/// <param name="events">The events of the file, by name, as they are spelled.</param>
/// <param name="json">The conversation.</param>
internal sealed class Conversation(string file, JsonElement events, JsonElement json)
{
    private static readonly JsonElement Nothing = JsonElement.Parse("{}");

    public string File => file;

    public string Name => json.GetProperty("name").GetString()!;

    public IEnumerable<string> Rows => Names("rows");

    public IEnumerable<JsonElement> Steps => json.GetProperty("steps").EnumerateArray();

    /// <summary>All conversations.</summary>
    public static IEnumerable<Conversation> All()
    {
        foreach (var path in Directory.GetFiles(FindFolder(), "*.json").Order(StringComparer.Ordinal))
        {
            var root = JsonElement.Parse(System.IO.File.ReadAllBytes(path));
            foreach (var one in root.GetProperty("conversations").EnumerateArray())
                yield return new Conversation(Path.GetFileName(path), root.GetProperty("events"), one);
        }
    }

    /// <summary>A part of it, or an empty object.</summary>
    public JsonElement Part(string name) => json.TryGetProperty(name, out var part) ? part : Nothing;

    public bool Has(string name) => json.TryGetProperty(name, out _);

    /// <summary>A list of names, or the one that stands there alone.</summary>
    public IEnumerable<string> Names(string name)
        => Part(name) switch
        {
            { ValueKind: JsonValueKind.Array } list => list.EnumerateArray().Select(static one => one.GetString()!),
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            _ => [],
        };

    public byte[] Event(string name) => Encoding.UTF8.GetBytes(events.GetProperty(name).GetString()!);

    public List<byte[]> Events(JsonElement names) => [.. names.EnumerateArray().Select(name => Event(name.GetString()!))];

    /// <summary>A message or answer: the texts of its events in the place of their names, the addresses of its references made whole.</summary>
    public byte[] Spelled(JsonElement message, Uri server)
    {
        if (message.ValueKind == JsonValueKind.String) return Encoding.UTF8.GetBytes(message.GetString()!);
        if (!message.TryGetProperty("events", out var names) || names.ValueKind != JsonValueKind.Array)
            return Encoding.UTF8.GetBytes(message.GetRawText());
        var members = message.EnumerateObject().Select(member => $"\"{member.Name}\":{Value(member)}");
        return Encoding.UTF8.GetBytes($"{{{string.Join(',', members)}}}");

        string Value(JsonProperty member) => member.Name switch
        {
            "events" => $"[{string.Join(',', Events(names).Select(Encoding.UTF8.GetString))}]",
            "references" => member.Value.GetRawText().Replace("\"/blobs/", $"\"{server}blobs/", StringComparison.Ordinal),
            _ => member.Value.GetRawText(),
        };
    }

    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "tests", "conversations");
            if (Directory.Exists(candidate)) return candidate;
        }

        throw new DirectoryNotFoundException("There is no tests/conversations above the test program.");
    }
}
