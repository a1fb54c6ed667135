using System.Text;
using System.Text.Json;

namespace Dequeue.Cli.Commands;

/// <summary>Events as JSON lines, and where each of them stands. Blank lines are none.</summary>
/// <param name="file">The file.</param>
/// <param name="fromLine">The first line that is read, from 1.</param>
internal sealed class EventFile(FileInfo file, int fromLine)
{
    private readonly List<int> _lines = [];

    /// <summary>Whether there was an event.</summary>
    public bool HasRead => _lines.Count > 0;

    /// <summary>The events, in order.</summary>
    /// <exception cref="InvalidDataException">A line is no JSON object; the message is one sentence that names it.</exception>
    public IEnumerable<ReadOnlyMemory<byte>> Read()
    {
        foreach (var (number, line) in Lines())
        {
            var json = Encoding.UTF8.GetBytes(line);
            if (Wrong(json) is { } why) throw new InvalidDataException($"Line {number} of {file.Name} is no JSON object: {why}.");
            _lines.Add(number);
            yield return json;
        }
    }

    /// <summary>The line to go on with when so many events of those read are done; null when none is.</summary>
    public int? NextLine(long done) => done == 0 ? null : done < _lines.Count ? _lines[(int)done] : _lines[^1] + 1;

    /// <summary>The lines of some events, by their ids: the first of each.</summary>
    public IReadOnlyDictionary<string, int> LinesOf(IEnumerable<string> ids)
    {
        var (wanted, found) = (ids.ToHashSet(StringComparer.Ordinal), new Dictionary<string, int>(StringComparer.Ordinal));
        foreach (var (number, line) in Lines())
        {
            if (wanted.Count == found.Count) break;
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String && wanted.Contains(id.GetString()!))
                found.TryAdd(id.GetString()!, number);
        }

        return found;
    }

    private IEnumerable<(int Number, string Line)> Lines()
        => File.ReadLines(file.FullName).Select(static (line, i) => (i + 1, line)).Skip(fromLine - 1).Where(static line => !string.IsNullOrWhiteSpace(line.line));

    private static string? Wrong(byte[] json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            if (reader.Read() && reader.TokenType != JsonTokenType.StartObject) return "it begins otherwise";
            reader.Skip();
            return reader.Read() ? "more follows it" : null;
        }
        catch (JsonException e)
        {
            return $"it breaks off at byte {e.BytePositionInLine + 1}";
        }
    }
}
