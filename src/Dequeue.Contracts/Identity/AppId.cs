using System.Diagnostics.CodeAnalysis;

namespace Dequeue.Contracts;

/// <summary>The tenant app, as in <c>/apps/{appId}</c>: 1 to 64 of <c>[A-Za-z0-9._-]</c>, a bundle id or a short name.</summary>
public readonly record struct AppId
{
    /// <summary>Longest app id in characters; bundle ids are far shorter.</summary>
    public const int MaxLength = 64;

    private readonly string? _value;

    private AppId(string value) => _value = value;

    /// <summary>The id as text.</summary>
    public string Value => _value ?? throw new InvalidOperationException("An AppId that was never set.");

    /// <summary>Reads an app id.</summary>
    /// <returns>False when it is empty, too long, or has other characters.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out AppId app)
    {
        app = default;
        if (text is null || text.Length is 0 or > MaxLength) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')) return false;
        }

        app = new AppId(text);
        return true;
    }

    /// <summary>Reads an app id that must be one.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static AppId Parse(string text)
        => TryParse(text, out var app) ? app : throw new FormatException($"An app id is 1 to {MaxLength} of A-Z a-z 0-9 . _ -");

    /// <inheritdoc/>
    public override string ToString() => Value;
}
