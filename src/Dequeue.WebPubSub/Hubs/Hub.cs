using Dequeue.WebPubSub.Clients;

namespace Dequeue.WebPubSub.Hubs;

/// <summary>
/// One hub: who is connected, as which user, in which groups. Registration and membership change together under one lock, so
/// that a connection that is gone is in no group.
/// </summary>
internal sealed class Hub(string name)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ClientConnection> _connections = new(StringComparer.Ordinal);
    private readonly MemberIndex _groups = new();
    private readonly MemberIndex _users = new();

    /// <summary>The name in lower case.</summary>
    public string Name { get; } = name;

    /// <summary>Makes a connection known, in its first groups.</summary>
    public void Register(ClientConnection connection, IEnumerable<string> groups)
    {
        lock (_gate)
        {
            _connections.Add(connection.Id, connection);
            if (connection.UserId is { } user) _users.Add(user, connection);
            foreach (var group in groups)
            {
                if (connection.Groups.Add(group)) _groups.Add(group, connection);
            }
        }
    }

    /// <summary>Forgets a connection and its memberships.</summary>
    public void Unregister(ClientConnection connection)
    {
        lock (_gate)
        {
            if (!_connections.Remove(connection.Id)) return;
            if (connection.UserId is { } user) _users.Remove(user, connection);
            foreach (var group in connection.Groups) _groups.Remove(group, connection);
            connection.Groups.Clear();
        }
    }

    /// <summary>Puts a connection into a group.</summary>
    /// <returns>False when the connection is gone.</returns>
    public bool Join(ClientConnection connection, string group)
    {
        lock (_gate)
        {
            if (!_connections.ContainsKey(connection.Id)) return false;
            if (connection.Groups.Add(group)) _groups.Add(group, connection);
            return true;
        }
    }

    /// <summary>Takes a connection out of a group.</summary>
    public void Leave(ClientConnection connection, string group)
    {
        lock (_gate)
        {
            if (connection.Groups.Remove(group)) _groups.Remove(group, connection);
        }
    }

    /// <summary>Takes a connection out of all its groups.</summary>
    public void LeaveAll(ClientConnection connection)
    {
        lock (_gate)
        {
            foreach (var group in connection.Groups) _groups.Remove(group, connection);
            connection.Groups.Clear();
        }
    }

    /// <summary>The connection of an id, also one that waits for its client to come back.</summary>
    public ClientConnection? Find(string connectionId)
    {
        lock (_gate) return _connections.GetValueOrDefault(connectionId);
    }

    /// <summary>Everyone, as of now.</summary>
    public ClientConnection[] Everyone()
    {
        lock (_gate) return [.. _connections.Values];
    }

    /// <summary>The members of a group, as of now.</summary>
    public ClientConnection[] Group(string group)
    {
        lock (_gate) return _groups.TryGet(group, out var members) ? [.. members] : [];
    }

    /// <summary>The connections of a user, as of now.</summary>
    public ClientConnection[] User(string userId)
    {
        lock (_gate) return _users.TryGet(userId, out var members) ? [.. members] : [];
    }

    /// <summary>The groups of a connection, as of now.</summary>
    public string[] GroupsOf(ClientConnection connection)
    {
        lock (_gate) return [.. connection.Groups];
    }
}
