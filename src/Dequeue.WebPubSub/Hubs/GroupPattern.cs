using System.Diagnostics.CodeAnalysis;

namespace Dequeue.WebPubSub.Hubs;

/// <summary>
/// A wildcard over group names: <c>?</c> is one character but a dot, <c>*</c> any run without dots, <c>**</c> any run,
/// <c>\</c> takes <c>\ * ?</c> literally. Case-sensitive.
/// </summary>
internal sealed class GroupPattern
{
    private const int MaxStars = 5;

    private readonly Part[] _parts;

    private GroupPattern(Part[] parts) => _parts = parts;

    private enum Kind
    {
        Literal,
        OneButDot,
        RunWithoutDot,
        Run,
    }

    /// <summary>Reads a pattern of up to 1,024 characters with at most five stars.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out GroupPattern? pattern)
    {
        pattern = null;
        var parts = new List<Part>();
        var stars = 0;
        if (text.Length is 0 or > Names.MaxGroupLength) return false;
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when i + 1 < text.Length && text[i + 1] is '\\' or '*' or '?':
                    parts.Add(new Part(Kind.Literal, text[++i]));
                    break;
                case '\\':
                    return false;
                case '?':
                    parts.Add(new Part(Kind.OneButDot, default));
                    break;
                case '*' when i + 1 < text.Length && text[i + 1] == '*':
                    parts.Add(new Part(Kind.Run, default));
                    stars += 2;
                    i++;
                    break;
                case '*':
                    parts.Add(new Part(Kind.RunWithoutDot, default));
                    stars++;
                    break;
                default:
                    parts.Add(new Part(Kind.Literal, text[i]));
                    break;
            }
        }

        if (stars > MaxStars) return false;
        pattern = new GroupPattern([.. parts]);
        return true;
    }

    /// <summary>True when the whole name fits. Takes pattern length times name length steps, whatever the pattern.</summary>
    public bool Matches(string name)
    {
        // reached[i]: the parts so far can consume exactly the first i characters.
        var reached = new bool[name.Length + 1];
        var next = new bool[name.Length + 1];
        reached[0] = true;
        foreach (var part in _parts)
        {
            Array.Clear(next);
            for (var i = 0; i <= name.Length; i++)
            {
                next[i] = part.Kind switch
                {
                    Kind.Literal => i > 0 && reached[i - 1] && name[i - 1] == part.Character,
                    Kind.OneButDot => i > 0 && reached[i - 1] && name[i - 1] != '.',
                    Kind.RunWithoutDot => reached[i] || i > 0 && next[i - 1] && name[i - 1] != '.',
                    _ => reached[i] || i > 0 && next[i - 1],
                };
            }

            (reached, next) = (next, reached);
        }

        return reached[name.Length];
    }

    private readonly record struct Part(Kind Kind, char Character);
}
