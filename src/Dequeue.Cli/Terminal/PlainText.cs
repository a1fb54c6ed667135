using System.Globalization;
using System.Text;

namespace Dequeue.Cli.Terminal;

/// <summary>
/// Text of others, for a terminal: what a server, an event or a file says must not move the cursor, set a title or write to the
/// clipboard. All that a terminal obeys begins with a control character (C0, DEL, C1), so none gets through.
/// </summary>
internal static class PlainText
{
    private const char Replacement = '\uFFFD';

    /// <summary>The text in one line, each control character replaced.</summary>
    public static string Of(string text)
        => text.ReplaceLineEndings(" ") is var line && line.Any(char.IsControl) ? string.Create(line.Length, line, static (plain, source) =>
        {
            for (var i = 0; i < plain.Length; i++) plain[i] = char.IsControl(source[i]) ? Replacement : source[i];
        }) : line;

    /// <summary>An event in one line, which means the same: the control characters that JSON lets stand in a string (DEL and C1) are
    /// written as escapes.</summary>
    /// <returns>The same memory when there is none.</returns>
    public static ReadOnlyMemory<byte> OfJson(ReadOnlyMemory<byte> json)
    {
        if (!json.Span.ContainsAny((byte)0x7F, (byte)0xC2)) return json;
        var text = Encoding.UTF8.GetString(json.Span);
        if (!text.Any(IsEscaped)) return json;
        var line = new StringBuilder(text.Length + 32);
        foreach (var c in text)
        {
            if (IsEscaped(c)) line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else line.Append(c);
        }

        return Encoding.UTF8.GetBytes(line.ToString());
    }

    private static bool IsEscaped(char c) => c is >= '\u007F' and <= '\u009F';
}
