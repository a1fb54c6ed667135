using System.Buffers;

namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>
/// The members of a JSON object as text, one after the other: names and values are slices as they are spelled. For minified JSON
/// that was found valid before; anything else ends the scan early, or gives slices that are no JSON, but never reads past the text.
/// </summary>
internal ref struct JsonObjectScan
{
    private static readonly SearchValues<byte> Brackets = SearchValues.Create("\"{}[]"u8);

    private readonly ReadOnlySpan<byte> _json;
    private int _at;

    /// <summary>Before the first member.</summary>
    /// <param name="json">The object, from its opening brace to its closing one.</param>
    public JsonObjectScan(ReadOnlySpan<byte> json) => _json = json;

    /// <summary>The member's name as it is spelled, without the quotes.</summary>
    public Range Name { get; private set; }

    /// <summary>The member's value as it is spelled.</summary>
    public Range Value { get; private set; }

    /// <summary>Whether the scan has reached the end of an object that is the whole text.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Goes to the next member.</summary>
    /// <returns>False at the end, and where the text is no object: <see cref="IsComplete"/> tells which.</returns>
    public bool Next()
    {
        if (IsComplete || _at >= _json.Length || _json[_at] != (_at == 0 ? '{' : ',')) return Ended();
        if (_at == 0 && _json is [_, (byte)'}', ..])
        {
            _at = 1;
            return Ended();
        }

        var name = _at + 1;
        if (name >= _json.Length || _json[name] != '"') return false;
        var colon = StringEnd(_json, name);
        if (colon < 0 || colon >= _json.Length || _json[colon] != ':') return false;
        var end = ValueEnd(_json, colon + 1);
        if (end < 0) return false;
        (Name, Value, _at) = ((name + 1)..(colon - 1), (colon + 1)..end, end);
        return true;
    }

    private bool Ended()
    {
        IsComplete |= _at > 0 && _at == _json.Length - 1 && _json[_at] == '}';
        return false;
    }

    /// <summary>Where the value that begins at <paramref name="at"/> ends; -1 when it does not.</summary>
    private static int ValueEnd(ReadOnlySpan<byte> json, int at)
    {
        if (at >= json.Length) return -1;
        switch (json[at])
        {
            case (byte)'"':
                return StringEnd(json, at);
            case (byte)'{' or (byte)'[':
                return ContainerEnd(json, at);
            default:
                var length = json[at..].IndexOfAny(",}]"u8);
                return length > 0 ? at + length : -1;
        }
    }

    private static int ContainerEnd(ReadOnlySpan<byte> json, int at)
    {
        for (var depth = 0; ;)
        {
            var step = json[at..].IndexOfAny(Brackets);
            if (step < 0) return -1;
            at += step;
            switch (json[at])
            {
                case (byte)'"':
                    at = StringEnd(json, at);
                    if (at < 0) return -1;
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    at++;
                    break;
                default:
                    at++;
                    if (--depth == 0) return at;
                    break;
            }
        }
    }

    /// <summary>Where the string whose opening quote is at <paramref name="at"/> ends; -1 when it does not.</summary>
    private static int StringEnd(ReadOnlySpan<byte> json, int at)
    {
        at++;
        while (true)
        {
            var step = json[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (step < 0) return -1;
            at += step;
            if (json[at] == '"') return at + 1;
            at += 2;
            if (at >= json.Length) return -1;
        }
    }
}
