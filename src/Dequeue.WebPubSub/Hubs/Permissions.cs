namespace Dequeue.WebPubSub.Hubs;

/// <summary>What a client may do with groups.</summary>
internal enum Permission
{
    /// <summary>Publish to a group.</summary>
    SendToGroup,

    /// <summary>Join and leave a group.</summary>
    JoinLeaveGroup,
}

/// <summary>Why a permission was or was not granted.</summary>
internal enum GrantResult
{
    /// <summary>The connection has it now.</summary>
    Granted,

    /// <summary>The connection has as many as it can.</summary>
    TooMany,
}

/// <summary>The permissions of one connection: from its roles, and as granted and revoked over REST.</summary>
internal sealed class Permissions
{
    /// <summary>Group names per permission and connection, as in Microsoft's emulator.</summary>
    public const int MaxLiterals = 1000;

    /// <summary>Patterns per permission and connection, as in Microsoft's emulator.</summary>
    public const int MaxPatterns = 10;

    private readonly Lock _gate = new();
    private readonly Grants _send = new();
    private readonly Grants _joinLeave = new();

    /// <summary>The permissions of a token's or a connect reply's roles; roles that mean nothing here are passed over.</summary>
    public Permissions(IEnumerable<string> roles)
    {
        foreach (var role in roles)
        {
            _send.AddRole(role, "webpubsub.sendToGroup");
            _joinLeave.AddRole(role, "webpubsub.joinLeaveGroup");
        }
    }

    /// <summary>True when the connection may do this with the group.</summary>
    public bool Allows(Permission permission, string group)
    {
        lock (_gate) return Of(permission).Allows(group);
    }

    /// <summary>Grants one group by its name, or every group when there is no name.</summary>
    public GrantResult Grant(Permission permission, string? group)
    {
        lock (_gate) return Of(permission).Add(group);
    }

    /// <summary>Takes one group, or the grant of every group, away.</summary>
    public void Revoke(Permission permission, string? group)
    {
        lock (_gate) Of(permission).Remove(group);
    }

    /// <summary>True when the connection has the grant: for a name, by any role; without a name, for every group.</summary>
    public bool Has(Permission permission, string? group)
    {
        lock (_gate) return group is null ? Of(permission).Every : Of(permission).Allows(group);
    }

    private Grants Of(Permission permission) => permission == Permission.SendToGroup ? _send : _joinLeave;

    private sealed class Grants
    {
        private readonly HashSet<string> _groups = new(StringComparer.Ordinal);
        private readonly List<GroupPattern> _patterns = [];

        public bool Every { get; private set; }

        public bool Allows(string group) => Every || _groups.Contains(group) || _patterns.Any(pattern => pattern.Matches(group));

        public GrantResult Add(string? group)
        {
            if (group is null) Every = true;
            else if (!_groups.Contains(group) && _groups.Count >= MaxLiterals) return GrantResult.TooMany;
            else _groups.Add(group);
            return GrantResult.Granted;
        }

        public void Remove(string? group)
        {
            if (group is null) Every = false;
            else _groups.Remove(group);
        }

        public void AddRole(string role, string name)
        {
            if (!role.StartsWith(name, StringComparison.Ordinal)) return;
            var rest = role[name.Length..];
            if (rest.Length == 0) Every = true;
            else if (rest[0] == '.' && rest.Length > 1) Add(rest[1..]);
            else if (rest.StartsWith("s.", StringComparison.Ordinal) && _patterns.Count < MaxPatterns
                && GroupPattern.TryParse(rest[2..], out var pattern)) _patterns.Add(pattern);
        }
    }
}
