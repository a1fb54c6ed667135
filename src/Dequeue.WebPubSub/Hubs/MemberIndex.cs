using System.Diagnostics.CodeAnalysis;
using Dequeue.WebPubSub.Clients;

namespace Dequeue.WebPubSub.Hubs;

/// <summary>Connections by a name that several share: a group or a user. The hub's lock guards it.</summary>
internal sealed class MemberIndex
{
    private readonly Dictionary<string, HashSet<ClientConnection>> _members = new(StringComparer.Ordinal);

    /// <summary>Adds a connection under a name.</summary>
    public void Add(string name, ClientConnection connection)
    {
        if (!_members.TryGetValue(name, out var members)) _members[name] = members = [];
        members.Add(connection);
    }

    /// <summary>Removes a connection from a name; a name without connections is forgotten.</summary>
    public void Remove(string name, ClientConnection connection)
    {
        if (_members.TryGetValue(name, out var members) && members.Remove(connection) && members.Count == 0) _members.Remove(name);
    }

    /// <summary>The connections under a name, or false when there is none.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out IReadOnlyCollection<ClientConnection>? connections)
    {
        var found = _members.TryGetValue(name, out var members);
        connections = members;
        return found;
    }
}
