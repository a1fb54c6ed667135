using Dequeue.Functions.Configuration;
using Dequeue.Functions.Streaming;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Upstream;

/// <summary>An event of Web PubSub (CloudEvents 1.0, HTTP binary mode), as its headers describe it.</summary>
/// <param name="Id"><c>ce-id</c>: the same when the event is delivered again.</param>
/// <param name="Kind">System event or user event.</param>
/// <param name="Name">Its name: <c>connect</c>, <c>message</c>, <c>sync.stream.request</c> …</param>
/// <param name="ConnectionId">Whose event it is.</param>
/// <param name="Log">The log of the connection's user, or null when the connection was not negotiated here: it has no user, or an app that is not served.</param>
/// <param name="SpeaksJson">Whether the client uses a JSON subprotocol.</param>
internal sealed record UpstreamEvent(string Id, UpstreamKind Kind, string Name, string ConnectionId, LogKey? Log, bool SpeaksJson)
{
    private const string SystemPrefix = "azure.webpubsub.sys.";
    private const string UserPrefix = "azure.webpubsub.user.";

    /// <summary>Connection ids are made by the service; more than this is none.</summary>
    private const int MaxIdLength = 128;

    /// <summary>Reads the headers.</summary>
    /// <returns>Null when they describe no Web PubSub event of our hub.</returns>
    public static UpstreamEvent? Read(IHeaderDictionary headers, string hub, AllowedApps apps)
    {
        var (type, id, connection) = (headers["ce-type"].ToString(), headers["ce-id"].ToString(), headers["ce-connectionId"].ToString());
        if (!headers["ce-hub"].ToString().Equals(hub, StringComparison.OrdinalIgnoreCase) || !IsId(connection) || id.Length is 0 or > MaxIdLength) return null;
        var (kind, name) = type.StartsWith(SystemPrefix, StringComparison.Ordinal) ? (UpstreamKind.System, type[SystemPrefix.Length..])
            : type.StartsWith(UserPrefix, StringComparison.Ordinal) ? (UpstreamKind.User, type[UserPrefix.Length..])
            : (UpstreamKind.Other, type);
        if (kind == UpstreamKind.Other) return null;
        var log = ConnectionUser.Parse(headers["ce-userId"].ToString()) is { } user && apps.All.Contains(user.App) ? user : (LogKey?)null;
        return new UpstreamEvent(
            id, kind, name, connection, log, headers["ce-subprotocol"].ToString().Contains("json", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Where a stream that this event asks for goes.</summary>
    public StreamTarget Target(LogKey log, StreamTrace trace) => new()
    {
        ConnectionId = ConnectionId, SpeaksJson = SpeaksJson, App = log.App.Value, User = log.User.Value, RequestId = Id, Trace = trace,
    };

    private static bool IsId(string text) => text.Length is > 0 and <= MaxIdLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}

/// <summary>What kind of event it is.</summary>
internal enum UpstreamKind
{
    /// <summary>Of the connection's life.</summary>
    System,

    /// <summary>Sent by the client.</summary>
    User,

    /// <summary>None that is known here.</summary>
    Other,
}
