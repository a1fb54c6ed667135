using System.Text.Json;

namespace Dequeue.Contracts.Events;

/// <summary>A JSON string as it stands in its source.</summary>
/// <param name="raw">The bytes between the quotes.</param>
/// <param name="isEscaped">Whether they hold a backslash.</param>
/// <param name="offset">Where they begin in their source.</param>
public readonly ref struct JsonText(ReadOnlySpan<byte> raw, bool isEscaped, int offset = 0)
{
    private readonly bool _isEscaped = isEscaped;

    /// <summary>
    /// The name or string that <paramref name="reader"/> stands on. To be compared with <see cref="Equals"/>: the reader's own
    /// <c>ValueTextEquals</c> throws at a lone surrogate, which anyone can send.
    /// </summary>
    public static JsonText Of(scoped ref readonly Utf8JsonReader reader) => new(reader.ValueSpan, reader.ValueIsEscaped);

    /// <summary>The bytes between the quotes, still escaped.</summary>
    public ReadOnlySpan<byte> Raw { get; } = raw;

    /// <summary>Where <see cref="Raw"/> begins in its source.</summary>
    public int Offset { get; } = offset;

    /// <summary>False for a field that is missing or is no string.</summary>
    public bool IsPresent { get; } = true;

    /// <summary>True for <c>""</c>.</summary>
    public bool IsEmpty => Raw.IsEmpty;

    /// <summary>The text, or null when it is missing, is no valid Unicode (a lone surrogate escape) or holds an escape that JSON does not know.</summary>
    public string? GetString()
    {
        if (!IsPresent) return null;
        if (!_isEscaped) return System.Text.Unicode.Utf8.IsValid(Raw) ? System.Text.Encoding.UTF8.GetString(Raw) : null;
        Span<byte> quoted = Raw.Length <= 254 ? stackalloc byte[Raw.Length + 2] : new byte[Raw.Length + 2];
        quoted[0] = quoted[^1] = (byte)'"';
        Raw.CopyTo(quoted[1..]);
        var reader = new Utf8JsonReader(quoted);
        try
        {
            reader.Read();
            return reader.GetString();
        }
        catch (Exception invalid) when (invalid is InvalidOperationException or JsonException)
        {
            return null;
        }
    }

    /// <summary>True when the text is <paramref name="utf8"/>.</summary>
    public bool Equals(ReadOnlySpan<byte> utf8)
        => IsPresent && (_isEscaped ? GetString() is { } text && System.Text.Encoding.UTF8.GetBytes(text).AsSpan().SequenceEqual(utf8) : Raw.SequenceEqual(utf8));
}
