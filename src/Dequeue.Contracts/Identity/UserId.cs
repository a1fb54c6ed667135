using System.Diagnostics.CodeAnalysis;

namespace Dequeue.Contracts;

/// <summary>
/// The user, as the identity provider names it (the token's <c>sub</c>): 1 to 128 characters, no control characters, no lone
/// surrogates. Case-sensitive and never interpreted.
/// </summary>
public readonly record struct UserId
{
    /// <summary>Longest user id in characters. OpenID Connect allows 255 ASCII characters for <c>sub</c>; real ones stay
    /// below 64, and escaped in a storage key a longer one could pass the key limit of 1 KiB.</summary>
    public const int MaxLength = 128;

    private readonly string? _value;

    private UserId(string value) => _value = value;

    /// <summary>
    /// Whether it begins or ends with something blank. Headers, forms and people trim such an id, to that of another user: no
    /// token that names one is accepted. Logs that were stored under one can still be named, to be erased.
    /// </summary>
    public bool HasBlankEnds => IsBlank(Value[0]) || IsBlank(Value[^1]);

    /// <summary>The id as text.</summary>
    public string Value => _value ?? throw new InvalidOperationException("A UserId that was never set.");

    /// <summary>Reads a user id.</summary>
    /// <returns>False when it is blank, too long, or holds a control character or a lone surrogate.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out UserId user)
    {
        user = default;
        if (string.IsNullOrWhiteSpace(text) || text.Length > MaxLength) return false;
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i])) return false;
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return false;
            i++;
        }

        user = new UserId(text);
        return true;
    }

    /// <summary>Reads a user id that must be one.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static UserId Parse(string text)
        => TryParse(text, out var user) ? user : throw new FormatException($"A user id is 1 to {MaxLength} printable characters.");

    /// <inheritdoc/>
    public override string ToString() => Value;

    // White space by Unicode, and what some trim beside it: JavaScript the byte order mark, older tables the zero-width space.
    private static bool IsBlank(char c) => char.IsWhiteSpace(c) || c is '\uFEFF' or '\u200B' or '\u180E';
}
