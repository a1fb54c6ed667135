using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Dequeue.WebPubSub.Clients;
using Dequeue.WebPubSub.Filters;
using Dequeue.WebPubSub.Hubs;
using Dequeue.WebPubSub.Messages;
using Dequeue.WebPubSub.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace Dequeue.WebPubSub.Rest;

/// <summary>
/// The data plane: what an application's server calls. Routes on the raw request target, each part decoded by itself, so that
/// a name may hold a slash; the same raw target is what the caller has signed.
/// </summary>
internal sealed partial class RestEndpoint(ServiceContext service)
{
    /// <summary>The version that a call without one means.</summary>
    public const string LatestVersion = "2024-12-01";
    private const string SupportedVersions = "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01";

    private static readonly JsonSerializerOptions ErrorJson = new(JsonSerializerDefaults.Web);

    private readonly ILogger _logger = service.Logger;

    /// <summary>Handles one call.</summary>
    /// <param name="context">The call.</param>
    /// <param name="rawTarget">Path and query as they came.</param>
    /// <param name="path">The decoded parts of the path after <c>/api</c>.</param>
    public async Task HandleAsync(HttpContext context, string rawTarget, string[] path)
    {
        RestResult result;
        try
        {
            result = await RouteAsync(context, rawTarget, path);
        }
        catch (Exception exception) when (exception is BadHttpRequestException or IOException or OperationCanceledException)
        {
            // The caller broke off, or sent what is no HTTP: nobody reads an answer.
            context.Abort();
            return;
        }
        catch (Exception exception)
        {
            LogFailed(exception);
            result = new RestResult(500, new RestError("Error.InternalServerError", "The service failed.", null));
        }

        await WriteAsync(context, result);
    }

    private async ValueTask<RestResult> RouteAsync(HttpContext context, string rawTarget, string[] path)
    {
        var method = context.Request.Method;
        if (path is ["health"] && method == "HEAD") return RestResult.Ok;
        if (!service.TryReadToken(Bearer.Read(context.Request), out var claims) || !Audience.MatchesRequest(claims, rawTarget)) return RestResult.Unauthorized;

        var query = context.Request.Query;
        var version = query["api-version"].LastOrDefault() ?? LatestVersion;
        if (!SupportedVersions.Split(", ").Contains(version)) return RestResult.BadRequest($"The api-version is one of {SupportedVersions}.", "api-version");
        if (path is not ["hubs", var hubName, .. var rest]) return NoSuchOperation();
        if (!Names.TryHub(hubName, out var name)) return RestResult.BadRequest("The hub is no hub name.", "hub");

        var hub = service.Hubs[name];
        return (method, rest) switch
        {
            // A key caller signs client tokens itself; only Entra callers, whom this service does not know, may ask for one.
            ("POST", [":generateToken"]) => RestResult.Unauthorized,

            ("POST", [":send"]) => await SendAsync(context, hub.Everyone, Envelope.FromServer),
            ("POST", ["users", var user, ":send"]) => await SendAsync(context, () => hub.User(user), Envelope.FromServer),
            ("POST", ["connections", var id, ":send"]) => await SendAsync(context, () => Of(hub, id), Envelope.FromServer),
            ("POST", ["groups", var group, ":send"]) => Names.IsGroup(group)
                ? await SendAsync(context, () => hub.Group(group), type => Envelope.FromGroup(group, null, type))
                : NoGroupName(),

            ("HEAD", ["connections", var id]) => ConnectionExists(hub, id),
            ("DELETE", ["connections", var id]) => Close(query, Of(hub, id)),
            ("POST", [":closeConnections"]) => Close(query, hub.Everyone()),
            ("POST", ["groups", var group, ":closeConnections"]) => Close(query, hub.Group(group)),
            ("POST", ["users", var user, ":closeConnections"]) => Close(query, hub.User(user)),

            ("HEAD", ["groups", var group]) => RestResult.Exists(
                hub.Group(group).Length > 0, "Warning.Group.NotExisted", $"Group '{group}' does not exist.", "Group"),
            ("HEAD", ["users", var user]) => RestResult.Exists(
                hub.User(user).Length > 0, "Warning.User.NotExisted", $"User '{user}' is not found.", "User"),

            ("PUT", ["groups", var group, "connections", var id]) => AddConnection(hub, group, id),
            ("DELETE", ["groups", var group, "connections", var id]) => Each(Of(hub, id), one => hub.Leave(one, group)),
            ("GET", ["groups", var group, "connections"]) => GroupListing.List(context.Request, rawTarget.Split('?')[0], hub, group),
            ("DELETE", ["connections", var id, "groups"]) => Each(Of(hub, id), hub.LeaveAll),
            ("PUT", ["users", var user, "groups", var group]) => AddUser(hub, user, group),
            ("DELETE", ["users", var user, "groups", var group]) => Each(hub.User(user), one => hub.Leave(one, group)),
            ("DELETE", ["users", var user, "groups"]) => Each(hub.User(user), hub.LeaveAll),

            ("POST", [":addToGroups"]) => await ChangeGroupsAsync(context, hub, (one, group) => hub.Join(one, group)),
            ("POST", [":removeFromGroups"]) => await ChangeGroupsAsync(context, hub, hub.Leave),

            (_, ["permissions", var permission, "connections", var id]) => Permissions(method, hub, permission, id, query["targetName"].LastOrDefault()),
            _ => NoSuchOperation(),
        };
    }

    private async ValueTask<RestResult> SendAsync(HttpContext context, Func<ClientConnection[]> receivers, Func<DataType, byte[]> envelope)
    {
        var query = context.Request.Query;
        if (!TryReadFilter(query["filter"].LastOrDefault(), out var filter, out var badFilter)) return badFilter;
        var (message, refusal) = await MessageBody.ReadAsync(context, envelope, service);
        if (message is null) return refusal!;
        var excluded = query["excluded"];
        foreach (var receiver in receivers())
        {
            if (!IsExcluded(excluded, receiver) && IsMeant(filter, receiver)) receiver.Send(message);
        }

        return RestResult.Accepted;
    }

    private async ValueTask<RestResult> ChangeGroupsAsync(HttpContext context, Hub hub, Action<ClientConnection, string> change)
    {
        var bytes = await MessageBody.ReadBytesAsync(context.Request, service.Options.Limits.MaxMessageBytes, context.RequestAborted);
        if (bytes is null) return RestResult.BadRequest("The body is too long.");
        if (GroupsChange.Read(bytes) is not { } body) return RestResult.BadRequest("The body is not an object with the names of groups and maybe a filter.");
        if (!TryReadFilter(body.Filter, out var filter, out var refusal)) return refusal;
        foreach (var connection in hub.Everyone())
        {
            if (!IsMeant(filter, connection)) continue;
            foreach (var group in body.Groups) change(connection, group);
        }

        return RestResult.Ok;
    }

    private static ClientConnection[] Of(Hub hub, string connectionId) => hub.Find(connectionId) is { } one ? [one] : [];

    private static bool TryReadFilter(string? text, out ConnectionFilter? filter, [NotNullWhen(false)] out RestResult? refusal)
    {
        filter = null;
        refusal = null;
        if (string.IsNullOrEmpty(text) || ConnectionFilter.TryParse(text, out filter, out var error)) return true;
        refusal = RestResult.BadRequest(error, "filter");
        return false;
    }

    private static bool IsMeant(ConnectionFilter? filter, ClientConnection connection)
        => filter is null || filter.Matches(new FilterSubject(connection.UserId, connection.Id, connection.Hub.GroupsOf(connection)));

    private static bool IsExcluded(StringValues excluded, ClientConnection connection)
        => excluded.Count > 0 && excluded.Contains(connection.Id, StringComparer.Ordinal);

    private static RestResult Each(ClientConnection[] connections, Action<ClientConnection> action)
    {
        foreach (var connection in connections) action(connection);
        return RestResult.NoContent;
    }

    private static RestResult Close(IQueryCollection query, ClientConnection[] connections)
    {
        var excluded = query["excluded"];
        var reason = CloseReason.ByApplication(query["reason"].LastOrDefault());
        return Each(connections, connection =>
        {
            if (!IsExcluded(excluded, connection)) connection.Close(reason);
        });
    }

    private static RestResult ConnectionExists(Hub hub, string id) => RestResult.Exists(
        hub.Find(id) is not null, "Warning.Connection.NotExisted", $"Connection '{id}' does not exist.", "Connection");

    private static RestResult AddConnection(Hub hub, string group, string id)
    {
        if (!Names.IsGroup(group)) return NoGroupName();
        return hub.Find(id) is { } connection && hub.Join(connection, group)
            ? RestResult.Ok
            : RestResult.NotFound("Error.Connection.NotExisted", $"Connection '{id}' does not exist.", "Connection");
    }

    private static RestResult AddUser(Hub hub, string user, string group)
    {
        if (!Names.IsGroup(group)) return NoGroupName();
        var connections = hub.User(user);
        foreach (var connection in connections) hub.Join(connection, group);
        return connections.Length > 0 ? RestResult.Ok : RestResult.NotFound("Warning.User.NotExisted", $"User '{user}' is not found.", "User");
    }

    private static RestResult Permissions(string method, Hub hub, string name, string id, string? group)
    {
        if (!TryPermission(name, out var permission)) return NoSuchOperation();
        if (group is not null && !Names.IsGroup(group)) return RestResult.BadRequest("targetName is no group name.", "targetName");
        var connection = hub.Find(id);
        switch (method)
        {
            case "PUT" when connection is null:
                return RestResult.NotFound("Info.Connection.NotExisted", $"Connection '{id}' does not exist.", "Connection");
            case "PUT":
                return connection.Permissions.Grant(permission, group) == GrantResult.Granted
                    ? RestResult.Ok
                    : new RestResult(409, new RestError("Error.Connection.Conflict", "The connection has as many permissions as it can.", "Connection"));
            case "DELETE":
                connection?.Permissions.Revoke(permission, group);
                return RestResult.NoContent;
            case "HEAD":
                return RestResult.Exists(
                    connection?.Permissions.Has(permission, group) == true, "Warning.Permission.NotExisted", "The connection does not have the permission.", "Permission");
            default:
                return NoSuchOperation();
        }
    }

    private static bool TryPermission(string name, out Permission permission)
    {
        permission = name.Equals("sendToGroup", StringComparison.OrdinalIgnoreCase) ? Permission.SendToGroup : Permission.JoinLeaveGroup;
        return permission == Permission.SendToGroup || name.Equals("joinLeaveGroup", StringComparison.OrdinalIgnoreCase);
    }

    private static RestResult NoGroupName() => RestResult.BadRequest("The group is no group name.", "group");

    private static RestResult NoSuchOperation() => RestResult.NotFound("Error.NotFound", "There is no such operation.");

    private static async Task WriteAsync(HttpContext context, RestResult result)
    {
        var response = context.Response;
        response.StatusCode = result.Status;
        response.Headers["api-supported-versions"] = SupportedVersions;
        var body = result.Json;
        if (result.Error is { } error)
        {
            response.Headers["x-ms-error-code"] = error.Code;
            body = JsonSerializer.SerializeToUtf8Bytes(error, ErrorJson);
        }

        if (body is null || HttpMethods.IsHead(context.Request.Method)) return;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, context.RequestAborted);
    }

    [LoggerMessage(3020, LogLevel.Error, "A REST call failed")]
    private partial void LogFailed(Exception exception);
}
