using System.Text;
using Dequeue.WebPubSub.Clients;
using Dequeue.WebPubSub.Hubs;
using Dequeue.WebPubSub.Tokens;
using Dequeue.WebPubSub.Upstream;
using Microsoft.Extensions.Logging;

namespace Dequeue.WebPubSub;

/// <summary>What the parts of one running service share.</summary>
internal sealed class ServiceContext(WebPubSubServerOptions options, UpstreamDispatcher upstream, ILogger logger) : IDisposable
{
    private readonly CancellationTokenSource _stopped = new();
    private readonly byte[] _key = Encoding.UTF8.GetBytes(options.AccessKey);

    /// <summary>How the service runs.</summary>
    public WebPubSubServerOptions Options { get; } = options;

    /// <summary>Posts events to the application.</summary>
    public UpstreamDispatcher Upstream { get; } = upstream;

    /// <summary>The hubs.</summary>
    public HubRegistry Hubs { get; } = new();

    /// <summary>What waits for all clients.</summary>
    public Backlog Backlog { get; } = new(options.Limits.MaxQueuedBytesInAll);

    /// <summary>Ends the client that lets most wait, while more waits in all than may: whoever reads is not made to pay for those who do not.</summary>
    public void ShedBacklog()
    {
        while (Backlog.IsOver && Hubs.All.SelectMany(static hub => hub.Everyone()).MaxBy(static connection => connection.QueuedBytes) is { QueuedBytes: > 0 } slowest)
            slowest.Close(CloseReason.Overload);
    }

    /// <summary>Where the service logs.</summary>
    public ILogger Logger { get; } = logger;

    /// <summary>True once the service lets nobody in any more.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Cancelled when the service waits for nothing more.</summary>
    public CancellationToken Stopped => _stopped.Token;

    /// <summary>Cancels <see cref="Stopped"/>.</summary>
    public void Stop() => _stopped.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopped.Dispose();
        Upstream.Dispose();
    }

    /// <summary>The claims of a token that is signed with the access key and in force now.</summary>
    public bool TryReadToken(string? token, out TokenClaims claims)
    {
        claims = new TokenClaims();
        return token is not null && JsonWebToken.TryVerify(token, _key, out var payload)
            && TokenClaims.TryRead(payload, Options.TimeProvider.GetUtcNow(), out claims);
    }
}
