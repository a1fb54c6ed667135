using System.Buffers.Text;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// The Web PubSub user id of a connection: <c>app:user</c>. The service hands it back with every event (<c>ce-userId</c>), so
/// that a message never needs to name its sender, and cannot. No app id holds a colon.
/// </summary>
/// <remarks>
/// It travels through headers, group names and query strings, which trim, fold and decode. So it is ASCII that none of them
/// changes, and it can be reversed: a user of letters, digits and <c>. _ @ | -</c> stands as it is, any other as <c>~</c> and the
/// base64url of its UTF-8. No two users share a spelling, and each has one. At most 578 characters: Web PubSub takes 1,024 for a
/// group, and its prefixes are short.
/// </remarks>
internal static class ConnectionUser
{
    private const char Separator = ':';
    private const char Encoded = '~';

    /// <summary>The spelling of a log's user.</summary>
    public static string Format(LogKey log) => $"{log.App}{Separator}{Spell(log.User.Value)}";

    /// <summary>The log that a spelling names.</summary>
    /// <returns>Null when <see cref="Format"/> would not spell any log so.</returns>
    public static LogKey? Parse(string? text)
        => text?.IndexOf(Separator, StringComparison.Ordinal) is > 0 and { } colon
            && AppId.TryParse(text[..colon], out var app) && Read(text.AsSpan(colon + 1)) is { } user
            ? new LogKey(app, user)
            : null;

    private static string Spell(string user) => user.All(IsPlain) ? user : Encoded + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(user));

    private static UserId? Read(ReadOnlySpan<char> spelling)
    {
        string text;
        if (spelling is [Encoded, .. var encoded])
        {
            if (!Base64Url.IsValid(encoded)) return null;
            text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(encoded));
        }
        else
        {
            text = spelling.ToString();
        }

        // One spelling for each user: what would be spelled otherwise was not spelled here.
        return UserId.TryParse(text, out var user) && spelling.SequenceEqual(Spell(user.Value)) ? user : null;
    }

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '@' or '|' or '-';
}
