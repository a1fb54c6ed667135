using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts;

/// <summary>
/// Reads JSON objects from hostile bytes, a member at a time. Names and texts are taken for what they say, however they are escaped; a value
/// that nobody takes is skipped; what is malformed throws <see cref="JsonException"/> and nothing else.
/// </summary>
/// <remarks>
/// <c>if (JsonObjectReader.TryBegin(utf8, out var json)) { while (json.Next()) if (json.Is("a"u8)) a = json.Text(); json.End(); }</c>. An object or array
/// inside is entered, walked with <see cref="Next"/> or <see cref="NextItem"/> until that is false, and so left.
/// </remarks>
public ref struct JsonObjectReader
{
    /// <summary>As deep as a reader of .NET goes by itself.</summary>
    private const int UsualDepth = 64;

    private Utf8JsonReader _json;
    private JsonText _name;
    private bool _isUntaken;

    private JsonObjectReader(ReadOnlySpan<byte> utf8, int maxDepth) => _json = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = maxDepth });

    /// <summary>The reader below, on the member's value: for who leaves it on that value's end.</summary>
    [UnscopedRef]
    public ref Utf8JsonReader Json => ref _json;

    /// <summary>What the value is.</summary>
    public readonly JsonTokenType Kind => _json.TokenType;

    /// <summary>Whether it is null.</summary>
    public readonly bool IsNull => Kind == JsonTokenType.Null;

    /// <summary>How deep the value lies. See <see cref="Leave"/>.</summary>
    public readonly int Depth => _json.CurrentDepth;

    /// <summary>Begins to read an object.</summary>
    /// <param name="utf8">JSON.</param>
    /// <param name="reader">Stands before its first member.</param>
    /// <param name="maxDepth">What is deeper is malformed.</param>
    /// <returns>False when it is none.</returns>
    /// <exception cref="JsonException">It begins with what is no JSON.</exception>
    public static bool TryBegin(ReadOnlySpan<byte> utf8, out JsonObjectReader reader, int maxDepth = UsualDepth)
    {
        reader = new JsonObjectReader(utf8, maxDepth);
        reader._json.Read();
        return reader.Kind == JsonTokenType.StartObject;
    }

    /// <summary>Goes on to the next member's value.</summary>
    /// <returns>False after the last one.</returns>
    public bool Next()
    {
        if (_isUntaken) _json.Skip();
        _isUntaken = _json.Read() && Kind == JsonTokenType.PropertyName;
        if (!_isUntaken) return false;
        _name = JsonText.Of(ref _json);
        _json.Read();
        return true;
    }

    /// <summary>Goes on to the next element of the array that was entered.</summary>
    /// <returns>False after the last one.</returns>
    public bool NextItem()
    {
        if (_isUntaken) _json.Skip();
        _json.Read();
        return _isUntaken = Kind != JsonTokenType.EndArray;
    }

    /// <summary>Reads to the end.</summary>
    /// <exception cref="JsonException">More follows the object.</exception>
    public void End()
    {
        while (_json.Read())
        {
        }
    }

    /// <summary>Enters the object that the value is.</summary>
    /// <returns>False when it is none.</returns>
    public bool EnterObject() => Enter(JsonTokenType.StartObject);

    /// <summary>Enters the array that the value is.</summary>
    /// <returns>False when it is none.</returns>
    public bool EnterArray() => Enter(JsonTokenType.StartArray);

    /// <summary>Leaves the rest of what was entered.</summary>
    /// <param name="depth">The <see cref="Depth"/> of the value that was entered.</param>
    public void Leave(int depth)
    {
        while (_json.CurrentDepth > depth && _json.Read())
        {
        }

        _isUntaken = true;
    }

    /// <summary>Whether the member has this name.</summary>
    public readonly bool Is(ReadOnlySpan<byte> name) => _name.Equals(name);

    /// <summary>The value as a text; null when it is none, or no Unicode.</summary>
    public readonly string? Text() => Kind == JsonTokenType.String ? JsonText.Of(in _json).GetString() : null;

    /// <summary>Whether the value is this text.</summary>
    public readonly bool IsText(ReadOnlySpan<byte> utf8) => Kind == JsonTokenType.String && JsonText.Of(in _json).Equals(utf8);

    /// <summary>The value as a whole number of 64 bits; null when it is none: 1.0 and "1" are not.</summary>
    public readonly long? WholeNumber() => Kind == JsonTokenType.Number && _json.TryGetInt64(out var value) && !_json.ValueSpan.ContainsAny(".eE"u8) ? value : null;

    /// <summary>The value as true or false; null when it is neither.</summary>
    public readonly bool? Boolean() => Kind switch { JsonTokenType.True => true, JsonTokenType.False => false, _ => null };

    /// <summary>The value as a checkpoint; null when it is none.</summary>
    public readonly Checkpoint? Position() => Checkpoint.TryParse(Text(), out var checkpoint) ? checkpoint : null;

    /// <summary>The value as an array of texts; null when it is none, has too many, or one that is no Unicode.</summary>
    /// <param name="most">How many it may have.</param>
    public List<string>? Texts(int most)
    {
        var depth = Depth;
        if (!EnterArray()) return null;
        var texts = new List<string>();
        while (NextItem())
        {
            if (texts.Count == most || Text() is not { } text)
            {
                Leave(depth);
                return null;
            }

            texts.Add(text);
        }

        return texts;
    }

    private bool Enter(JsonTokenType kind)
    {
        if (Kind != kind) return false;
        _isUntaken = false;
        return true;
    }
}
