using System.Collections.Concurrent;

namespace Dequeue.WebPubSub.Hubs;

/// <summary>The hubs, made when they are first used by someone with a valid token.</summary>
internal sealed class HubRegistry
{
    private readonly ConcurrentDictionary<string, Hub> _hubs = new(StringComparer.Ordinal);

    /// <summary>All hubs that were used.</summary>
    public IEnumerable<Hub> All => _hubs.Values;

    /// <summary>The hub of a name, when it was used before.</summary>
    public Hub? Find(string name) => _hubs.GetValueOrDefault(name);

    /// <summary>The hub of a name as <see cref="Names.TryHub"/> gives it.</summary>
    public Hub this[string name] => _hubs.GetOrAdd(name, static name => new Hub(name));
}
