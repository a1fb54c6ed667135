using Dequeue.Contracts;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// The Web PubSub user id of a connection: <c>app:user</c>. The service hands it back with every event (<c>ce-userId</c>), so
/// that a message never needs to name its sender, and cannot. No app id holds a colon.
/// </summary>
internal static class ConnectionUser
{
    public static string Format(LogKey log) => $"{log.App}:{log.User}";

    public static LogKey? Parse(string? text)
        => text?.IndexOf(':', StringComparison.Ordinal) is > 0 and { } colon
            && AppId.TryParse(text[..colon], out var app) && UserId.TryParse(text[(colon + 1)..], out var user)
            ? new LogKey(app, user)
            : null;
}
