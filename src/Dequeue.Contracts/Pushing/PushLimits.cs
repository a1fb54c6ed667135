namespace Dequeue.Contracts.Pushing;

/// <summary>What one push may carry.</summary>
public static class PushLimits
{
    /// <summary>Bytes of a push body, 4 MB: an hour's work of a device; a longer queue is several pushes.</summary>
    public const int MaxBodyBytes = 4 * 1024 * 1024;

    /// <summary>Events of a push.</summary>
    public const int MaxEvents = Limits.EventsTogether;

    /// <summary>Bytes of one event without insignificant white space: real ones stay below 2 KB, and one must fit a batch
    /// message of 1 MB many times over.</summary>
    public const int MaxEventBytes = 64 * 1024;

    /// <summary>Nesting of one event. Inside a message it stands two levels deeper, and many JSON readers stop at 64.</summary>
    public const int MaxEventDepth = 60;

    /// <summary>Characters of <c>type</c>.</summary>
    public const int MaxTypeLength = 128;
}
