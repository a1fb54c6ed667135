namespace Dequeue.Local.Worker;

/// <summary>What a caller of an HTTP function has to show. Keys come from the setting <c>Functions:Key</c>.</summary>
public enum AuthorizationLevel
{
    /// <summary>Nothing.</summary>
    Anonymous = 0,

    /// <summary>A signed-in user. The Functions host has no such thing either: treated as <see cref="Function"/>.</summary>
    User = 1,

    /// <summary>A function key, in the header <c>x-functions-key</c> or the query parameter <c>code</c>.</summary>
    Function = 2,

    /// <summary>A system key.</summary>
    System = 3,

    /// <summary>The master key.</summary>
    Admin = 4,
}
