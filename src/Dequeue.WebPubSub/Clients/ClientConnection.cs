using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Dequeue.WebPubSub.Hubs;
using Dequeue.WebPubSub.Messages;
using Dequeue.WebPubSub.Upstream;

namespace Dequeue.WebPubSub.Clients;

/// <summary>
/// One client as the application knows it. A reliable one outlives its socket for the recovery window: its messages wait and
/// are sent again to the socket that follows. It ends once, however many want to end it at the same time.
/// </summary>
internal sealed class ClientConnection
{
    private readonly Lock _gate = new();
    private readonly ServiceContext _service;
    private readonly ReliableBuffer? _reliable;
    private readonly string? _reconnectionToken;
    private ClientSession? _session;
    private ITimer? _recoveryTimer;
    private int _losses;
    private bool _closed;

    /// <summary>A connection that was let in, not yet known to its hub.</summary>
    public ClientConnection(ServiceContext service, Hub hub, ClientKind kind, UpstreamIdentity identity, IEnumerable<string> roles)
    {
        _service = service;
        Hub = hub;
        Kind = kind;
        Identity = identity;
        Permissions = new Permissions(roles);
        Events = new EventQueue(service, identity);
        if (kind != ClientKind.ReliableJson) return;
        _reliable = new ReliableBuffer(service.Options.Limits, service.Backlog);
        _reconnectionToken = RandomNumberGenerator.GetHexString(64, lowercase: true);
    }

    /// <summary>Its hub.</summary>
    public Hub Hub { get; }

    /// <summary>How it speaks.</summary>
    public ClientKind Kind { get; }

    /// <summary>As whom it is shown to event handlers.</summary>
    public UpstreamIdentity Identity { get; }

    /// <summary>Its id.</summary>
    public string Id => Identity.ConnectionId;

    /// <summary>Its user, if any.</summary>
    public string? UserId => Identity.UserId;

    /// <summary>Its subprotocol, in the client's spelling.</summary>
    public string? Subprotocol => Identity.Subprotocol;

    /// <summary>What it may do with groups.</summary>
    public Permissions Permissions { get; }

    /// <summary>Its groups; only its hub touches them, under the hub's lock.</summary>
    public HashSet<string> Groups { get; } = new(StringComparer.Ordinal);

    /// <summary>Its events, posted one at a time.</summary>
    public EventQueue Events { get; }

    /// <summary>Bytes that wait for the client.</summary>
    public long QueuedBytes => _reliable?.Bytes ?? Volatile.Read(ref _session)?.QueuedBytes ?? 0;

    /// <summary>Requests that succeeded.</summary>
    public AckMemory Acks { get; } = new();

    /// <summary>Gives the connection its first socket; the <c>connected</c> frame goes before everything else.</summary>
    public void Start(ClientSession session)
    {
        lock (_gate)
        {
            _session = session;
            if (Kind != ClientKind.Simple) SendService(ServiceFrames.Connected(UserId, Id, _reconnectionToken));
        }
    }

    /// <summary>True when the token is the one that this connection's client was given.</summary>
    public bool AcceptsReconnection(string token) => _reconnectionToken is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(_reconnectionToken));

    /// <summary>Gives the connection a new socket, which gets all that was not acknowledged. An older one is cut off.</summary>
    /// <returns>False when the connection has ended meanwhile.</returns>
    public bool TryRecover(ClientSession session)
    {
        ClientSession? older;
        lock (_gate)
        {
            if (_closed || _reliable is null) return false;
            _recoveryTimer?.Dispose();
            older = _session;
            _session = session;
            foreach (var frame in _reliable.Unacknowledged) session.TryEnqueue(frame);
        }

        older?.Abort();
        return true;
    }

    /// <summary>Sends a message; one that the client is too slow for ends the connection instead.</summary>
    public void Send(Message message)
    {
        bool taken;
        lock (_gate)
        {
            if (_closed) return;
            if (_reliable is null) taken = _session?.TryEnqueue(new OutboundFrame(message, 0, null)) ?? true;
            else if (taken = _reliable.TryAdd(message, out var frame)) _session?.TryEnqueue(frame);
        }

        if (!taken) Close(_reliable is null ? CloseReason.SlowClient : CloseReason.SlowReliableClient);
        else if (_service.Backlog.IsOver) _service.ShedBacklog();
    }

    /// <summary>Sends what the application answered.</summary>
    public void SendFromServer(Payload payload)
        => Send(new Message(Envelope.FromServer(payload.Type), payload.Type, payload.Data.Span));

    /// <summary>Publishes to a group, as this client.</summary>
    public void Publish(string group, Payload payload, bool noEcho)
    {
        var message = new Message(Envelope.FromGroup(group, UserId, payload.Type), payload.Type, payload.Data.Span);
        foreach (var member in Hub.Group(group))
        {
            if (!noEcho || member != this) member.Send(message);
        }
    }

    /// <summary>Sends a service frame to the present socket.</summary>
    public void SendService(byte[] frame)
    {
        bool taken;
        lock (_gate) taken = _session?.TryEnqueue(new OutboundFrame(null, 0, frame)) ?? true;
        if (!taken) Close(CloseReason.SlowClient);
    }

    /// <summary>The client has everything up to this id.</summary>
    public void Acknowledge(ulong sequenceId)
    {
        lock (_gate) _reliable?.Acknowledge(sequenceId);
    }

    /// <summary>A socket has ended. The connection ends with it, unless the client is reliable and did not say goodbye.</summary>
    public void Detach(ClientSession session, SessionEnd end)
    {
        lock (_gate)
        {
            if (_closed || _session != session) return;
            _session = null;
            if (_reliable is not null && end.Status != WebSocketCloseStatus.NormalClosure)
            {
                var loss = ++_losses;
                _recoveryTimer = _service.Options.TimeProvider.CreateTimer(
                    _ => GiveUp(loss), null, _service.Options.RecoveryWindow, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        Close(CloseReason.ByClient(end.Description));
    }

    /// <summary>Ends the connection for good: it leaves its hub, its socket is closed, its end is told upstream.</summary>
    public void Close(CloseReason reason)
    {
        lock (_gate)
        {
            if (_closed) return;
            if (reason.Message is { } message && Kind != ClientKind.Simple)
            {
                _session?.TryEnqueue(new OutboundFrame(null, 0, ServiceFrames.Disconnected(message)));
            }

            _closed = true;
            _recoveryTimer?.Dispose();
            _session?.Close(reason.Status, reason.Description, reason.Discard);
            _reliable?.Clear();
        }

        Hub.Unregister(this);
        Events.Disconnected(reason.Upstream);
    }

    private void GiveUp(int loss)
    {
        lock (_gate)
        {
            // The client may have come back, and even gone again, while the timer fired.
            if (_session is null && _losses == loss) Close(CloseReason.ByClient("The client did not come back."));
        }
    }
}
