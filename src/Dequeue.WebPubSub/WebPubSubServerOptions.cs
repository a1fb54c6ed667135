using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.WebPubSub;

/// <summary>How an embedded Web PubSub service runs. The defaults are those of Microsoft's emulator.</summary>
public sealed class WebPubSubServerOptions
{
    /// <summary>The port of Microsoft's emulator.</summary>
    public const int DefaultPort = 8080;

    /// <summary>The public, well-known access key of Microsoft's emulator: a local development value, no secret.</summary>
    public const string DefaultAccessKey = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

    /// <summary>Fewest UTF-8 bytes of an access key: the block of SHA-256, as Microsoft's emulator wants it.</summary>
    public const int MinAccessKeyBytes = 32;

    /// <summary>The port on the loopback addresses; 0 takes any free one. Default 8080.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Key that signs client and REST tokens and upstream requests: at least 32 UTF-8 bytes, used as they are.</summary>
    public string AccessKey { get; init; } = DefaultAccessKey;

    /// <summary>Event handlers by hub name (case-insensitive), in order: the first that matches an event gets it.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<WebPubSubEventHandler>> Hubs { get; init; }
        = new Dictionary<string, IReadOnlyList<WebPubSubEventHandler>>();

    /// <summary>Sizes, counts and times that bound what one client may cost.</summary>
    public WebPubSubLimits Limits { get; init; } = new();

    /// <summary>Time between WebSocket pings to a client. Default 20 s, as in Azure.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A client that answers no ping for this long is dropped. Default 20 s.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a dropped reliable client may come back. Default 30 s, as in Azure.</summary>
    public TimeSpan RecoveryWindow { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock of tokens, time-outs, retries and the recovery window.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where the service logs. Never a token, a query string or a payload.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    internal void Validate()
    {
        if (Port is < 0 or > 65535) throw new ArgumentException($"Port {Port} is not between 0 and 65535.", nameof(Port));
        if (AccessKey.Contains(';', StringComparison.Ordinal) || AccessKey.Trim() != AccessKey
            || Encoding.UTF8.GetByteCount(AccessKey) < MinAccessKeyBytes)
        {
            throw new ArgumentException(
                $"The access key has at least {MinAccessKeyBytes} bytes, no semicolon and no space at its ends.", nameof(AccessKey));
        }
    }
}

/// <summary>What one client may cost. Sources: the documented limits of Azure Web PubSub and what Microsoft's emulator does.</summary>
public sealed class WebPubSubLimits
{
    /// <summary>Longest client message and REST body in bytes. Default 1 MiB.</summary>
    public int MaxMessageBytes { get; init; } = 1024 * 1024;

    /// <summary>Messages that wait for one client before it is closed as too slow. Default 1,000.</summary>
    public int MaxQueuedMessages { get; init; } = 1000;

    /// <summary>Bytes that wait for one client before it is closed as too slow. Default 16 MiB.</summary>
    public long MaxQueuedBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Bytes that wait for all clients together before the one that lets most wait is closed as too slow. Default 128 MiB.</summary>
    public long MaxQueuedBytesInAll { get; init; } = 128 * 1024 * 1024;

    /// <summary>Time that a client has to answer a close before its socket is aborted. Default 5 s.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time for an event handler's response headers, retries included. Default 100 s.</summary>
    public TimeSpan UpstreamTimeout { get; init; } = TimeSpan.FromSeconds(100);
}
