using System.Diagnostics.CodeAnalysis;

namespace Dequeue.Contracts;

/// <summary>An event's id, made by the device (CUID or UUID): 1 to 64 of <c>[A-Za-z0-9_-]</c>, case-sensitive.</summary>
public readonly record struct EventId
{
    /// <summary>Longest id in characters: a UUID has 36, a CUID 24 or 25.</summary>
    public const int MaxLength = 64;

    private readonly string? _value;

    private EventId(string value) => _value = value;

    /// <summary>The id as text.</summary>
    public string Value => _value ?? throw new InvalidOperationException("An EventId that was never set.");

    /// <summary>Reads an event id.</summary>
    /// <returns>False when it is empty, too long, or has other characters.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out EventId id)
    {
        id = default;
        if (text is null || text.Length is 0 or > MaxLength) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')) return false;
        }

        id = new EventId(text);
        return true;
    }

    /// <summary>Reads an event id that must be one.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static EventId Parse(string text)
        => TryParse(text, out var id) ? id : throw new FormatException($"An event id is 1 to {MaxLength} of A-Z a-z 0-9 _ -");

    /// <inheritdoc/>
    public override string ToString() => Value;
}
