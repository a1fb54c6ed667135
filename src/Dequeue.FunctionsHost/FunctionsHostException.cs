namespace Dequeue.FunctionsHost;

/// <summary>The app cannot be run. The message is one sentence for the person who started it.</summary>
public sealed class FunctionsHostException : Exception
{
    /// <summary>A sentence, and what led to it.</summary>
    public FunctionsHostException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
