using System.Text.Json;
using System.Threading.Channels;
using Dequeue.WebPubSub.Clients;

namespace Dequeue.WebPubSub.Upstream;

/// <summary>
/// The events of one connection on their way to the application: one at a time, in order. <c>connected</c> goes before every
/// user event, <c>disconnected</c> after the last.
/// </summary>
internal sealed class EventQueue
{
    /// <summary>User events that may wait; with the message limit this bounds what one client keeps in memory.</summary>
    private const int MaxWaiting = 16;

    private readonly Channel<Func<CancellationToken, Task>> _events
        = Channel.CreateBounded<Func<CancellationToken, Task>>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    private readonly ServiceContext _service;
    private readonly UpstreamIdentity _identity;
    private string _farewell = "";
    private bool _announced;

    /// <summary>The queue of a connection; it runs until <c>disconnected</c> was posted.</summary>
    public EventQueue(ServiceContext service, UpstreamIdentity identity)
    {
        _service = service;
        _identity = identity;
        Completion = RunAsync();
    }

    /// <summary>Ends when the last event was posted.</summary>
    public Task Completion { get; }

    /// <summary>Posts <c>connected</c>; called before anything else.</summary>
    public void Connected() => _events.Writer.TryWrite(stopped =>
    {
        _announced = true;
        return _service.Upstream.NotifyAsync(_identity, WebPubSubSystemEvents.Connected, "{}"u8.ToArray(), stopped);
    });

    /// <summary>Posts <c>disconnected</c> after what waits, if there was a <c>connected</c>; nothing comes after it.</summary>
    public void Disconnected(string? reason)
    {
        _farewell = reason ?? "";
        _events.Writer.TryComplete();
    }

    /// <summary>Posts a user event once the earlier ones are done. Waits while too many wait already.</summary>
    /// <param name="name">Name of the event.</param>
    /// <param name="payload">Its payload; must stay valid until the outcome is there.</param>
    /// <param name="done">Takes the outcome, before the next event is posted.</param>
    /// <param name="skip">Asked when its turn comes: true passes it over.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask UserEventAsync(
        string name, Payload payload, Action<EventOutcome> done, Func<bool>? skip, CancellationToken cancellationToken)
    {
        try
        {
            await _events.Writer.WriteAsync(
                async stopped =>
                {
                    if (skip?.Invoke() != true) done(await _service.Upstream.UserEventAsync(_identity, name, payload, stopped));
                },
                cancellationToken);
        }
        catch (ChannelClosedException)
        {
            // The connection has ended: what it still sends is too late.
        }
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var post in _events.Reader.ReadAllAsync(_service.Stopped)) await post(_service.Stopped);
            if (!_announced) return;
            var body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["reason"] = _farewell });
            await _service.Upstream.NotifyAsync(_identity, WebPubSubSystemEvents.Disconnected, body, _service.Stopped);
        }
        catch (OperationCanceledException)
        {
            // The service has stopped; nobody waits for what is left.
        }
    }
}
