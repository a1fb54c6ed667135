namespace Dequeue.Client;

/// <summary>What a <see cref="TokenProvider"/> throws when nobody is signed in any more: it ends a watch. Anything else that it throws,
/// such as an identity service that cannot be reached, is tried again there.</summary>
public sealed class SignedOutException : Exception
{
    /// <summary>With a usual message.</summary>
    public SignedOutException()
        : this("Nobody is signed in.")
    {
    }

    /// <summary>With a message.</summary>
    public SignedOutException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public SignedOutException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
