namespace Dequeue.Client;

/// <summary>The simple forms of a <see cref="TokenProvider"/>.</summary>
public static class TokenProviders
{
    /// <summary>Always the same token: for trying things out.</summary>
    public static TokenProvider Fixed(string token)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(token);
        return (_, _) => ValueTask.FromResult(token);
    }

    /// <summary>
    /// Whatever a method gives, such as that of a sign-in library that renews its tokens by itself. After a 401 it is asked once more; a
    /// library that has to be told that its token was refused is asked through a <see cref="TokenProvider"/> of one's own.
    /// </summary>
    public static TokenProvider From(Func<CancellationToken, Task<string>> get)
    {
        ArgumentNullException.ThrowIfNull(get);
        return async (_, cancellationToken) => await get(cancellationToken).ConfigureAwait(false);
    }
}
