using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Dequeue.WebPubSub.Clients;
using Dequeue.WebPubSub.Messages;
using Microsoft.Extensions.Logging;

namespace Dequeue.WebPubSub.Upstream;

/// <summary>Posts events to the application's event handlers, as CloudEvents 1.0 in HTTP binary mode, signed.</summary>
internal sealed partial class UpstreamDispatcher : IDisposable
{
    /// <summary>Longest answer of a handler that is read, as in Microsoft's emulator.</summary>
    private const int MaxReplyBytes = 16 * 1024 * 1024;

    /// <summary>Waits before an attempt is repeated, as in Microsoft's emulator.</summary>
    private static readonly TimeSpan[] RetryDelays = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5)];

    private readonly HttpClient _http;
    private readonly EventHandlerTable _handlers;
    private readonly AbuseProtection _protection;
    private readonly WebPubSubServerOptions _options;
    private readonly Uri _endpoint;
    private readonly byte[] _key;
    private readonly ILogger _logger;

    /// <summary>A dispatcher for the service at an endpoint.</summary>
    public UpstreamDispatcher(WebPubSubServerOptions options, EventHandlerTable handlers, Uri endpoint, ILogger logger)
    {
        _options = options;
        _handlers = handlers;
        _endpoint = endpoint;
        _logger = logger;
        _key = Encoding.UTF8.GetBytes(options.AccessKey);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        _protection = new AbuseProtection(_http, endpoint, options.TimeProvider);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>Asks whether a client may come in, and as whom. Without a handler it may, as its token says.</summary>
    public async Task<ConnectOutcome> ConnectAsync(UpstreamIdentity identity, ConnectBody body, CancellationToken cancellationToken)
    {
        if (_handlers.Find(identity.Hub, WebPubSubSystemEvents.Connect) is not { } handler) return ConnectOutcome.Accepted.Unchanged;
        var post = new Post(handler, "sys.connect", "connect", "application/json; charset=utf-8", body.ToUtf8());
        var answer = await PostAsync(identity, post, cancellationToken);
        return answer switch
        {
            { IsSuccess: true } => ConnectReply.Read(answer.Body, body.Subprotocols) ?? (ConnectOutcome)new ConnectOutcome.Refused(500),
            { Status: >= 400 and < 600 } => new ConnectOutcome.Refused(answer.Status),
            _ => new ConnectOutcome.Refused(500),
        };
    }

    /// <summary>Posts <c>connected</c> or <c>disconnected</c>; the answer changes nothing.</summary>
    public async Task NotifyAsync(UpstreamIdentity identity, WebPubSubSystemEvents systemEvent, byte[] body, CancellationToken cancellationToken)
    {
        if (_handlers.Find(identity.Hub, systemEvent) is not { } handler) return;
        var name = systemEvent == WebPubSubSystemEvents.Connected ? "connected" : "disconnected";
        await PostAsync(identity, new Post(handler, $"sys.{name}", name, "application/json; charset=utf-8", body), cancellationToken);
    }

    /// <summary>Posts a user event and reads what is to be sent back to the client.</summary>
    public async Task<EventOutcome> UserEventAsync(
        UpstreamIdentity identity, string name, Payload payload, CancellationToken cancellationToken)
    {
        if (_handlers.Find(identity.Hub, name) is not { } handler) return new EventOutcome.Failed($"No event handler takes the event '{name}'.");
        var contentType = payload.Type switch
        {
            DataType.Text => "text/plain; charset=utf-8",
            DataType.Json => "application/json",
            _ => "application/octet-stream",
        };
        var answer = await PostAsync(identity, new Post(handler, $"user.{name}", name, contentType, payload.Data), cancellationToken);
        if (!answer.IsSuccess) return new EventOutcome.Failed("The event handler failed.");
        if (answer.Body.Length == 0) return new EventOutcome.Handled(null);
        return MediaTypes.TryDataType(answer.ContentType, out var type) && MediaTypes.IsWellFormed(type, answer.Body)
            ? new EventOutcome.Handled(new Payload(type, answer.Body))
            : new EventOutcome.Failed("The event handler answered with content of another type than it says, or of an unknown one.");
    }

    private async Task<Answer> PostAsync(UpstreamIdentity identity, Post post, CancellationToken cancellationToken)
    {
        var eventId = identity.NextEventId();
        var url = post.Handler.Url(identity.Hub, post.EventName).GetLeftPart(UriPartial.Path);
        var requestId = Guid.CreateVersion7(_options.TimeProvider.GetUtcNow()).ToString();
        using var timeout = new CancellationTokenSource(_options.Limits.UpstreamTimeout, _options.TimeProvider);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            if (await _protection.AskAsync(post.Handler.Url(identity.Hub, "validate"), ended.Token) is { Allows: false } refused)
            {
                LogNotAllowed(identity.Hub, post.EventName, url, refused.Status);
                return Answer.None;
            }

            for (var attempt = 0; ; attempt++)
            {
                var answer = await AttemptAsync(identity, post, eventId, requestId, ended.Token);
                if (answer.IsSuccess) return answer;
                LogFailed(identity.Hub, post.EventName, url, identity.ConnectionId, answer.Status, attempt + 1);
                if (!answer.MayRepeat || attempt == RetryDelays.Length) return answer;
                await Task.Delay(RetryDelays[attempt], _options.TimeProvider, ended.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogTimedOut(identity.Hub, post.EventName, url, identity.ConnectionId);
            return Answer.None;
        }
    }

    private async Task<Answer> AttemptAsync(
        UpstreamIdentity identity, Post post, long eventId, string requestId, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, post.Handler.Url(identity.Hub, post.EventName));
            request.Content = new ReadOnlyMemoryContent(post.Body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", post.ContentType);
            AddHeaders(request.Headers, identity, post, eventId, requestId);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            await response.Content.LoadIntoBufferAsync(MaxReplyBytes, cancellationToken);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (response.IsSuccessStatusCode && post.Type is not "sys.connected" and not "sys.disconnected"
                && response.Headers.TryGetValues("ce-connectionState", out var states))
            {
                identity.State = states.LastOrDefault();
            }

            return new Answer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, body);
        }
        catch (HttpRequestException)
        {
            return Answer.Unreachable;
        }
    }

    private void AddHeaders(HttpRequestHeaders headers, UpstreamIdentity identity, Post post, long eventId, string requestId)
    {
        headers.TryAddWithoutValidation("ce-specversion", "1.0");
        headers.TryAddWithoutValidation("ce-awpsversion", "1.0");
        headers.TryAddWithoutValidation("ce-type", $"azure.webpubsub.{post.Type}");
        headers.TryAddWithoutValidation("ce-source", $"/hubs/{identity.Hub}/client/{identity.ConnectionId}");
        headers.TryAddWithoutValidation("ce-id", eventId.ToString(CultureInfo.InvariantCulture));
        headers.TryAddWithoutValidation("ce-time", _options.TimeProvider.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        headers.TryAddWithoutValidation("ce-hub", identity.Hub);
        headers.TryAddWithoutValidation("ce-connectionId", identity.ConnectionId);
        headers.TryAddWithoutValidation("ce-eventName", post.EventName);
        headers.TryAddWithoutValidation("ce-signature", $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(identity.ConnectionId)))}");
        headers.TryAddWithoutValidation("WebHook-Request-Origin", _endpoint.Host);
        headers.TryAddWithoutValidation("x-ms-client-request-id", requestId);
        if (identity.UserId is not null) headers.TryAddWithoutValidation("ce-userId", identity.UserId);
        if (identity.Subprotocol is not null) headers.TryAddWithoutValidation("ce-subprotocol", identity.Subprotocol);
        if (identity.State is not null) headers.TryAddWithoutValidation("ce-connectionState", identity.State);
    }

    [LoggerMessage(3001, LogLevel.Warning, "Hub {Hub}: the event handler {Url} does not allow events of this service: it was asked and answered with status {Status} (0: not reached); '{EventName}' was not posted")]
    private partial void LogNotAllowed(string hub, string eventName, string url, int status);

    [LoggerMessage(3002, LogLevel.Warning, "Hub {Hub}: {Url} answered '{EventName}' of connection {ConnectionId} with status {Status} (0: not reached) at attempt {Attempt}")]
    private partial void LogFailed(string hub, string eventName, string url, string connectionId, int status, int attempt);

    [LoggerMessage(3003, LogLevel.Warning, "Hub {Hub}: {Url} did not answer '{EventName}' of connection {ConnectionId} in time")]
    private partial void LogTimedOut(string hub, string eventName, string url, string connectionId);

    private sealed record Post(WebPubSubEventHandler Handler, string Type, string EventName, string ContentType, ReadOnlyMemory<byte> Body);

    /// <summary>A handler's answer; status 0 when there was none.</summary>
    private sealed record Answer(int Status, string? ContentType, byte[] Body, bool MayRepeat)
    {
        public static readonly Answer None = new(0, null, [], false);
        public static readonly Answer Unreachable = new(0, null, [], true);

        public Answer(int status, string? contentType, byte[] body)
            : this(status, contentType, body, status is 408 or >= 500)
        {
        }

        public bool IsSuccess => Status is >= 200 and < 300;
    }
}
