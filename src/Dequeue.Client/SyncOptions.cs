using System.Net;
using System.Net.WebSockets;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Pushing;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client;

/// <summary>Where the stream's WebSocket is opened.</summary>
public enum StreamEndpoint
{
    /// <summary>At the Web PubSub URL that a negotiate call answers. The default.</summary>
    Negotiated,

    /// <summary>At the server's own <c>/v1/sync/stream</c>, with the <c>Authorization</c> header, through the gateway, as the shipped
    /// app does. That address serves the deployment's default app alone: <see cref="SyncOptions.App"/> must be that one, or null.</summary>
    Gateway,

    /// <summary>Nowhere: pages by REST alone.</summary>
    None,
}

/// <summary>What a device does with the events that it receives.</summary>
public enum EventFilter
{
    /// <summary>Keeps every event that has an id: a mirror of the log. The default.</summary>
    Mirror,

    /// <summary>
    /// What the shipped app keeps: no event without <c>type</c>, <c>ts</c> or an object as <c>payload</c>, none with a
    /// <c>payload_version</c> missing or below 2, and, outside a first sync, none of the device's own.
    /// </summary>
    ShippedApp,
}

/// <summary>How a <see cref="SyncManager"/> syncs. Every time-out has a default that fits phones on poor networks; none is longer than
/// 40 days.</summary>
public sealed record SyncOptions
{
    /// <summary>A timer of .NET takes 49 days; a wait may be a tenth longer than a time here.</summary>
    internal static readonly TimeSpan LongestTime = TimeSpan.FromDays(40);

    /// <summary>The server's base address, <c>https://host</c>; a path is kept as a prefix.</summary>
    public required Uri Server { get; init; }

    /// <summary>The tenant app of <c>/apps/{appId}</c>, or null for the deployment's default app by its <c>/v1</c> calls.</summary>
    public AppId? App { get; init; }

    /// <summary>Where to stream. Default <see cref="StreamEndpoint.Negotiated"/>.</summary>
    public StreamEndpoint Stream { get; init; } = StreamEndpoint.Negotiated;

    /// <summary>Which events to keep. Default <see cref="EventFilter.Mirror"/>.</summary>
    public EventFilter Filter { get; init; } = EventFilter.Mirror;

    /// <summary>
    /// Whether this is a first sync, which <see cref="EventFilter.ShippedApp"/> wants to know. Default null: a pull that starts
    /// from the beginning is one. An app that remembers whether its first sync was completed says so here, so that one which was
    /// cut and goes on later still brings the device's own events back.
    /// </summary>
    public bool? IsFirstSync { get; init; }

    /// <summary>This device's <c>device_id</c>, for <see cref="EventFilter.ShippedApp"/>. Default none.</summary>
    public string? DeviceId { get; init; }

    /// <summary>Whether to hash the streamed events and compare with the digest that the server sends at the end. Default true.</summary>
    public bool VerifyDigest { get; init; } = true;

    /// <summary>Whether the stream's request goes out as a text frame instead of a binary one. Default false, as the shipped app.</summary>
    public bool RequestAsText { get; init; }

    /// <summary>Events of a REST page, 1 to 1,000. Default 1,000.</summary>
    public int PageSize { get; init; } = PageLimits.Max;

    /// <summary>Longest wait for the negotiate call, and for the WebSocket to open. Default 10 s each.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait for the next whole message of a stream. Default 60 s: a train's tunnel does not end a stream.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest REST call, from the request to the last byte of the body. Default 60 s: a page of 1,000 events takes
    /// that on a link of about 10 KB/s.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a live connection asks again, over the same WebSocket, in case a message was lost: Web PubSub delivers to groups
    /// at most once. Default 5 min.</summary>
    public TimeSpan CatchUpInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often a silent live connection is probed; without an answer in the same time it counts as cut. Default
    /// 20 s, which also keeps proxies from closing it.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The first wait between two looks at the log while live has no WebSocket; it doubles while nothing comes. Default 2 s.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest such wait. Default 30 s.</summary>
    public TimeSpan MaxPollInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait until live tries the WebSocket again; the first ones are shorter, from <see cref="BaseDelay"/> on.
    /// Default 5 min.</summary>
    public TimeSpan StreamRetryInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Most consecutive failures of REST calls before a pull or push gives up. Default 5.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>The back-off's first ceiling; it doubles with each failure, and the wait is random below it. Default 500 ms.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The back-off's last ceiling. Default 30 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest <c>Retry-After</c> that a call waits for; a longer one ends it, and the failure tells it. A watch waits as long,
    /// then tries again all the same. Default 60 s.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The encodings that are asked for, best first. Default gzip, which makes a history about six times smaller on the
    /// wire; empty for plain JSON. A server that knows none of them sends plain JSON.</summary>
    public IReadOnlyList<string> Encodings { get; init; } = [BatchEncodings.Gzip];

    /// <summary>
    /// Most batches that the server sends ahead of what is saved, 1 to <see cref="StreamRequest.MaxWindow"/>. Default null:
    /// <see cref="StreamWindows.Compressed"/> or <see cref="StreamWindows.Plain"/>, by <see cref="Encodings"/>, and more if they are
    /// smaller: a fast link never waits, and a slow device is never cut off. 0 for none: the server ends a stream that is longer than
    /// what it may send to who does not acknowledge.
    /// </summary>
    public int? Window { get; init; }

    /// <summary>Most events of a batch, 1 to <see cref="StreamRequest.MaxBatchSize"/>, the default. Smaller ones are saved sooner and
    /// cost more.</summary>
    public int BatchSize { get; init; } = StreamRequest.MaxBatchSize;

    /// <summary>Whether an entity's state may come as a patch against the one before. Less to receive, more to compute, on both
    /// sides; it holds up to 8 MB of states. Default false.</summary>
    public bool Delta { get; init; }

    /// <summary>Whether a long history may come as URLs of stored pages, which are fetched four at a time beside the stream, by HTTPS
    /// (HTTP only if <see cref="Server"/> is HTTP on this machine), without the token. Default false.</summary>
    public bool References { get; init; }

    /// <summary>
    /// The entities whose events come first, up to <see cref="StreamPriority.MaxEntities"/>; <see cref="SyncPhase.Ready"/> reports
    /// when they are saved. The store then holds them before the rest, and ends in another order than the log's. Default null.
    /// </summary>
    public StreamPriority? Priority { get; init; }

    /// <summary>
    /// Asks for the events that still matter, by stream and by REST: those that a later state of their entity supersedes do not come, and
    /// the store never has them. For apps whose state of an entity is what its own events say, the last one by <c>ts</c> or by order; not
    /// for audit trails, undo, counters, or events that change another entity than their own: docs/protocol.md. It needs
    /// <see cref="EventFilter.Mirror"/>: what a filter drops may be what another was left out for. Default null: the whole history.
    /// </summary>
    public StreamCompact? Compact { get; init; }

    /// <summary>Largest message of a stream in bytes, opened if it was compressed. Default 4 MiB; Web PubSub's own limit is 1 MB.</summary>
    public int MaxMessageBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Largest REST body in bytes, decompressed. Default 80 MiB: a page of 1,000 events of 64 KB each.</summary>
    public int MaxBodyBytes { get; init; } = 80 * 1024 * 1024;

    /// <summary>The proxy for HTTP and WebSocket. Default null: the system's.</summary>
    public IWebProxy? Proxy { get; init; }

    /// <summary>Last word on a WebSocket's options, such as client certificates. Default none.</summary>
    public Action<ClientWebSocketOptions>? ConfigureWebSocket { get; init; }

    /// <summary>The window that a stream is asked for with; null for none.</summary>
    internal int? WindowInUse => Window switch
    {
        null => StreamWindows.For(Encodings, BatchSize),
        0 => null,
        var window => window,
    };

    /// <summary>What a stream is asked for.</summary>
    /// <param name="since">Where it begins.</param>
    /// <param name="window">The window; null for none.</param>
    /// <param name="priority">Whether <see cref="Priority"/> is asked for.</param>
    internal StreamRequest Request(Checkpoint since, int? window, bool priority)
        => new(since)
        {
            Encodings = Encodings, Window = window, BatchSize = BatchSize, Delta = Delta, References = References, Priority = priority ? Priority : null,
            Compact = Compact,
        };

    internal Uri Address(string pathAndQuery)
        => new($"{Server.GetLeftPart(UriPartial.Path).TrimEnd('/')}{pathAndQuery}");

    internal Uri WebSocketAddress(string pathAndQuery)
    {
        var http = Address(pathAndQuery);
        return new UriBuilder(http) { Scheme = http.Scheme == "https" ? "wss" : "ws" }.Uri;
    }

    internal Uri SyncCall(string call) => Address(App is { } app ? $"/apps/{app}/sync/{call}" : $"/v1/sync/{call}");

    /// <summary>The events that pass <see cref="Filter"/>; the very same list when all do.</summary>
    internal IReadOnlyList<SyncEvent> Kept(IReadOnlyList<SyncEvent> events, bool isFirstSync)
    {
        for (var i = 0; i < events.Count; i++)
        {
            if (!Keeps(events[i], isFirstSync)) return [.. events.Where(next => Keeps(next, isFirstSync))];
        }

        return events;
    }

    internal bool Keeps(SyncEvent next, bool isFirstSync)
        => next.Id is not null
            && (Filter == EventFilter.Mirror
                || next is { HasEnvelope: true, PayloadVersion: >= 2 } && (isFirstSync || DeviceId is null || next.DeviceId != DeviceId));

    internal void Validate()
    {
        if (!Server.IsAbsoluteUri || Server.Scheme is not ("http" or "https"))
            throw new ArgumentException("Server is an absolute http or https URL.", nameof(Server));
        ArgumentOutOfRangeException.ThrowIfLessThan(PageSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PageSize, PageLimits.Max);
        ArgumentOutOfRangeException.ThrowIfNegative(Window ?? 1, nameof(Window));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Window ?? 1, StreamRequest.MaxWindow, nameof(Window));
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BatchSize, StreamRequest.MaxBatchSize);
        if (Priority is not null && !IsValid(Priority))
        {
            throw new ArgumentException(
                $"Priority names 1 to {StreamPriority.MaxEntities} entities, each 1 to {StreamPriority.MaxIdLength} bytes of UTF-8, or what is active.", nameof(Priority));
        }

        if (Compact is not null && !IsValid(Compact)) throw new ArgumentException(StreamCompactReader.Rule, nameof(Compact));
        if (Compact is not null && Filter != EventFilter.Mirror)
            throw new ArgumentException("Compact needs EventFilter.Mirror.", nameof(Compact));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxMessageBytes, 1024);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBodyBytes, 1024);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRetryAfter, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxRetryAfter, LongestTime);
        foreach (var time in (ReadOnlySpan<TimeSpan>)[ConnectTimeout, IdleTimeout, RequestTimeout, CatchUpInterval, KeepAliveInterval, BaseDelay, MaxDelay, PollInterval, MaxPollInterval, StreamRetryInterval])
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(time, LongestTime);
        }
    }

    private static bool IsValid(StreamPriority priority)
        => priority is { EntityIds: not null } and ({ Active: true } or { EntityIds.Count: > 0 })
            && priority.EntityIds.Count <= StreamPriority.MaxEntities
            && priority.EntityIds.All(static id => IsValid(id));

    private static bool IsValid(StreamCompact compact)
        => compact.Keep is { Count: <= StreamCompact.MaxTypes }
            && compact.Keep.All(static type => type is { Length: > 0 and <= PushLimits.MaxTypeLength });

    private static bool IsValid(string id)
    {
        if (string.IsNullOrEmpty(id) || id.Length > StreamPriority.MaxIdLength) return false;
        var utf8 = Encoding.UTF8.GetBytes(id);
        return utf8.Length <= StreamPriority.MaxIdLength && Encoding.UTF8.GetString(utf8) == id;
    }
}

/// <summary>
/// Gives the bearer token of a call. What it throws ends the call; a watch tries again, unless it is <see cref="SignedOutException"/>.
/// </summary>
/// <param name="refused">True when the token given before was refused with 401: a fresh one is wanted.</param>
/// <param name="cancellationToken">Ends the wait.</param>
public delegate ValueTask<string> TokenProvider(bool refused, CancellationToken cancellationToken);
