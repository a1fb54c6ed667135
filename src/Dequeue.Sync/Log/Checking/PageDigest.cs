using Dequeue.Contracts.Events;

namespace Dequeue.Sync.Log.Checking;

/// <summary>Digests of whole pages.</summary>
public static class PageDigest
{
    /// <summary>Adds the events of a page, packed or not.</summary>
    /// <exception cref="InvalidDataException">The page is packed, and damaged.</exception>
    public static void Append(this EventDigest digest, EventPage page)
    {
        ArgumentNullException.ThrowIfNull(digest);
        ArgumentNullException.ThrowIfNull(page);
        var open = page.Unpack();
        for (var i = 0; i < open.Count; i++) digest.Append(open.EventAt(i).Span);
    }
}
