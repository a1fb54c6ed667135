using System.Collections.Concurrent;
using Dequeue.WebPubSub.Hubs;

namespace Dequeue.WebPubSub.Upstream;

/// <summary>The event handlers of each hub; may change while the service runs.</summary>
internal sealed class EventHandlerTable
{
    private readonly ConcurrentDictionary<string, WebPubSubEventHandler[]> _handlers = new(StringComparer.Ordinal);

    /// <summary>Replaces the handlers of a hub.</summary>
    /// <exception cref="ArgumentException">The name is no hub name.</exception>
    public void Set(string hub, IEnumerable<WebPubSubEventHandler> handlers)
    {
        if (!Names.TryHub(hub, out var name)) throw new ArgumentException($"'{hub}' is no hub name.", nameof(hub));
        _handlers[name] = [.. handlers];
    }

    /// <summary>The first handler that takes a system event.</summary>
    public WebPubSubEventHandler? Find(string hub, WebPubSubSystemEvents systemEvent)
        => Of(hub).FirstOrDefault(handler => handler.SystemEvents.HasFlag(systemEvent));

    /// <summary>The first handler that takes a user event.</summary>
    public WebPubSubEventHandler? Find(string hub, string userEvent)
        => Of(hub).FirstOrDefault(handler => handler.TakesUserEvent(userEvent));

    private WebPubSubEventHandler[] Of(string hub) => _handlers.GetValueOrDefault(hub, []);
}
