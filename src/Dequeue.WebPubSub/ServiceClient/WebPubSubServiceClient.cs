#nullable disable

using System.Buffers;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Dequeue.WebPubSub.ServiceClient;
using Dequeue.WebPubSub.Tokens;

namespace Azure.Messaging.WebPubSub;

/// <summary>
/// Talks to a Web PubSub service over REST: the members of the official client that the application uses, each with its
/// official signature. Failed calls throw <see cref="RequestFailedException"/> after Azure.Core's retries.
/// </summary>
public class WebPubSubServiceClient
{
    private const string ApiVersion = "2024-12-01";
    private const string Scope = "https://webpubsub.azure.com/.default";

    private static readonly TimeSpan DefaultClientTokenLife = TimeSpan.FromHours(1);
    private static readonly ResponseClassifier OkOrNotFound = new StatusCodeClassifier([200, 404]);

    private readonly HttpPipeline _pipeline;
    private readonly AzureKeyCredential _key;

    /// <summary>A client for a connection string.</summary>
    /// <param name="connectionString"><c>Endpoint=…;AccessKey=…;Version=1.0;</c>.</param>
    /// <param name="hub">Name of the hub.</param>
    public WebPubSubServiceClient(string connectionString, string hub)
        : this(ServiceConnectionString.Parse(connectionString), hub)
    {
    }

    /// <summary>A client for an endpoint and its access key.</summary>
    /// <param name="endpoint">The service's address.</param>
    /// <param name="hub">Name of the hub.</param>
    /// <param name="credential">The access key.</param>
    public WebPubSubServiceClient(Uri endpoint, string hub, AzureKeyCredential credential)
        : this(endpoint, hub)
    {
        ArgumentNullException.ThrowIfNull(credential);
        _key = credential;
        _pipeline = ServicePipelineOptions.Build(Endpoint, new AccessKeyPolicy(credential, TimeProvider.System));
    }

    /// <summary>A client for an endpoint and an identity of Microsoft Entra ID.</summary>
    /// <param name="endpoint">The service's address, https.</param>
    /// <param name="hub">Name of the hub.</param>
    /// <param name="credential">The identity.</param>
    public WebPubSubServiceClient(Uri endpoint, string hub, TokenCredential credential)
        : this(endpoint, hub)
    {
        ArgumentNullException.ThrowIfNull(credential);
        _pipeline = ServicePipelineOptions.Build(Endpoint, new BearerTokenAuthenticationPolicy(credential, Scope));
    }

    /// <summary>For mocking.</summary>
    protected WebPubSubServiceClient()
    {
    }

    private WebPubSubServiceClient((Uri Endpoint, string AccessKey) parsed, string hub)
        : this(parsed.Endpoint, hub, new AzureKeyCredential(parsed.AccessKey))
    {
    }

    private WebPubSubServiceClient(Uri endpoint, string hub)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentException.ThrowIfNullOrEmpty(hub);
        Endpoint = endpoint;
        Hub = hub;
    }

    /// <summary>The service's address.</summary>
    public virtual Uri Endpoint { get; }

    /// <summary>Name of the hub.</summary>
    public virtual string Hub { get; }

    /// <summary>The URL, with a token, at which a client opens its WebSocket. With a key nothing is sent: the token is signed here.</summary>
    /// <param name="expiresAfter">Life of the token; an hour when not given.</param>
    /// <param name="userId">The client's user.</param>
    /// <param name="roles">What the client may do.</param>
    /// <param name="groups">Groups that the client is put into.</param>
    /// <param name="clientProtocol">The client's protocol.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public virtual async Task<Uri> GetClientAccessUriAsync(
        TimeSpan expiresAfter = default,
        string userId = null,
        IEnumerable<string> roles = null,
        IEnumerable<string> groups = null,
        WebPubSubClientProtocol clientProtocol = WebPubSubClientProtocol.Default,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(expiresAfter, TimeSpan.Zero);
        var life = expiresAfter == default ? DefaultClientTokenLife : expiresAfter;
        var path = clientProtocol switch
        {
            WebPubSubClientProtocol.Mqtt => "clients/mqtt/hubs",
            WebPubSubClientProtocol.SocketIO => "clients/socketio/hubs",
            _ => "client/hubs",
        };
        var url = $"{Endpoint.AbsoluteUri.TrimEnd('/')}/{path}/{Uri.EscapeDataString(Hub)}";
        var token = _key is null
            ? await GenerateTokenAsync(life, userId, roles, groups, clientProtocol, cancellationToken).ConfigureAwait(false)
            : SignClientToken(url, life, userId, roles, groups);

        // http becomes ws, https becomes wss.
        return new Uri($"ws{url[4..]}?access_token={token}");
    }

    /// <summary>Sends to a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="content">What is sent.</param>
    /// <param name="contentType">text/plain, application/json or application/octet-stream.</param>
    /// <param name="excluded">Connections that do not get it.</param>
    /// <param name="filter">OData filter of the receivers.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> SendToGroupAsync(
        string group, RequestContent content, ContentType contentType, IEnumerable<string> excluded = null, string filter = null, RequestContext context = null)
        => SendAsync(["groups", group, ":send"], content, contentType, excluded, filter, context);

    /// <summary>Sends to every connection of a user.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="content">What is sent.</param>
    /// <param name="contentType">text/plain, application/json or application/octet-stream.</param>
    /// <param name="filter">OData filter of the receivers.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> SendToUserAsync(
        string userId, RequestContent content, ContentType contentType, string filter = null, RequestContext context = null)
        => SendAsync(["users", userId, ":send"], content, contentType, null, filter, context);

    /// <summary>Sends to one connection.</summary>
    /// <param name="connectionId">The connection.</param>
    /// <param name="content">What is sent.</param>
    /// <param name="contentType">text/plain, application/json or application/octet-stream.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> SendToConnectionAsync(
        string connectionId, RequestContent content, ContentType contentType, RequestContext context = null)
        => SendAsync(["connections", connectionId, ":send"], content, contentType, null, null, context);

    /// <summary>Closes a connection.</summary>
    /// <param name="connectionId">The connection.</param>
    /// <param name="reason">What the client is told.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> CloseConnectionAsync(string connectionId, string reason = null, RequestContext context = null)
        => CallAsync(RequestMethod.Delete, ["connections", connectionId], context, [("reason", reason)]);

    /// <summary>Closes all connections of a user.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="excluded">Connections that stay.</param>
    /// <param name="reason">What the clients are told.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> CloseUserConnectionsAsync(string userId, IEnumerable<string> excluded = null, string reason = null, RequestContext context = null)
        => CallAsync(
            RequestMethod.Post, ["users", userId, ":closeConnections"], context, [("reason", reason), .. (excluded ?? []).Select(one => ("excluded", one))]);

    /// <summary>Closes all connections of the hub.</summary>
    /// <param name="excluded">Connections that stay.</param>
    /// <param name="reason">What the clients are told.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> CloseAllConnectionsAsync(IEnumerable<string> excluded = null, string reason = null, RequestContext context = null)
        => CallAsync(RequestMethod.Post, [":closeConnections"], context, [("reason", reason), .. (excluded ?? []).Select(one => ("excluded", one))]);

    /// <summary>Puts a connection into a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="connectionId">The connection.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> AddConnectionToGroupAsync(string group, string connectionId, RequestContext context = null)
        => CallAsync(RequestMethod.Put, ["groups", group, "connections", connectionId], context);

    /// <summary>Takes a connection out of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="connectionId">The connection.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response> RemoveConnectionFromGroupAsync(string group, string connectionId, RequestContext context = null)
        => CallAsync(RequestMethod.Delete, ["groups", group, "connections", connectionId], context);

    /// <summary>Tells whether a connection is there.</summary>
    /// <param name="connectionId">The connection.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response<bool>> ConnectionExistsAsync(string connectionId, RequestContext context = null)
        => ExistsAsync(["connections", connectionId], context);

    /// <summary>Tells whether a group has any connection.</summary>
    /// <param name="group">The group.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response<bool>> GroupExistsAsync(string group, RequestContext context = null)
        => ExistsAsync(["groups", group], context);

    /// <summary>Tells whether a user has any connection.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="context">Options of the call.</param>
    public virtual Task<Response<bool>> UserExistsAsync(string userId, RequestContext context = null)
        => ExistsAsync(["users", userId], context);

    private async Task<Response> SendAsync(
        string[] path, RequestContent content, ContentType contentType, IEnumerable<string> excluded, string filter, RequestContext context)
    {
        ArgumentNullException.ThrowIfNull(content);
        using var message = CreateMessage(RequestMethod.Post, path, context, [("filter", filter), .. (excluded ?? []).Select(id => ("excluded", id))]);
        message.Request.Headers.SetValue(HttpHeader.Names.ContentType, contentType.ToString());
        message.Request.Content = content;
        return await ProcessAsync(message, context).ConfigureAwait(false);
    }

    private async Task<Response> CallAsync(RequestMethod method, string[] path, RequestContext context, params (string, string)[] query)
    {
        using var message = CreateMessage(method, path, context, query);
        return await ProcessAsync(message, context).ConfigureAwait(false);
    }

    private async Task<Response<bool>> ExistsAsync(string[] path, RequestContext context)
    {
        using var message = CreateMessage(RequestMethod.Head, path, context, []);
        message.ResponseClassifier = OkOrNotFound;
        var response = await ProcessAsync(message, context).ConfigureAwait(false);
        return Response.FromValue(response.Status == 200, response);
    }

    private HttpMessage CreateMessage(RequestMethod method, string[] path, RequestContext context, (string Name, string Value)[] query)
    {
        foreach (var part in path) ArgumentException.ThrowIfNullOrEmpty(part);
        var message = _pipeline.CreateMessage(context);
        message.Request.Method = method;
        message.Request.Uri.Reset(Endpoint);
        message.Request.Uri.AppendPath("/api/hubs/", escape: false);
        message.Request.Uri.AppendPath(Hub, escape: true);
        foreach (var part in path)
        {
            message.Request.Uri.AppendPath("/", escape: false);
            message.Request.Uri.AppendPath(part, escape: part is not (":send" or ":generateToken" or ":closeConnections"));
        }

        message.Request.Uri.AppendQuery("api-version", ApiVersion);
        foreach (var (name, value) in query)
        {
            if (value is not null) message.Request.Uri.AppendQuery(name, value, escapeValue: true);
        }

        return message;
    }

    private async Task<Response> ProcessAsync(HttpMessage message, RequestContext context)
    {
        await _pipeline.SendAsync(message, context?.CancellationToken ?? default).ConfigureAwait(false);
        if (message.Response.IsError && context?.ErrorOptions != ErrorOptions.NoThrow) throw new RequestFailedException(message.Response);
        return message.Response;
    }

    private string SignClientToken(string audience, TimeSpan life, string userId, IEnumerable<string> roles, IEnumerable<string> groups)
    {
        var now = TimeProvider.System.GetUtcNow();
        var payload = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(payload))
        {
            writer.WriteStartObject();
            writer.WriteString("aud"u8, audience);
            writer.WriteNumber("nbf"u8, now.ToUnixTimeSeconds());
            writer.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
            writer.WriteNumber("exp"u8, (now + life).ToUnixTimeSeconds());
            if (userId is not null) writer.WriteString("sub"u8, userId);
            WriteArray(writer, "role", roles);
            WriteArray(writer, "webpubsub.group", groups);
            writer.WriteEndObject();
        }

        return JsonWebToken.Sign(Encoding.UTF8.GetBytes(_key.Key), payload.WrittenSpan);
    }

    private static void WriteArray(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        if (values is null) return;
        writer.WriteStartArray(name);
        foreach (var value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }

    private async Task<string> GenerateTokenAsync(
        TimeSpan life, string userId, IEnumerable<string> roles, IEnumerable<string> groups, WebPubSubClientProtocol protocol, CancellationToken cancellationToken)
    {
        var minutes = Math.Max(1, (int)life.TotalMinutes).ToString(System.Globalization.CultureInfo.InvariantCulture);
        var response = await CallAsync(
            RequestMethod.Post,
            [":generateToken"],
            new RequestContext { CancellationToken = cancellationToken },
            [
                ("userId", userId),
                ("minutesToExpire", minutes),
                ("clientType", protocol == WebPubSubClientProtocol.Mqtt ? "MQTT" : null),
                .. (roles ?? []).Select(role => ("role", role)),
                .. (groups ?? []).Select(group => ("group", group)),
            ]).ConfigureAwait(false);
        using var json = JsonDocument.Parse(response.Content.ToMemory());
        return json.RootElement.GetProperty("token").GetString();
    }
}
