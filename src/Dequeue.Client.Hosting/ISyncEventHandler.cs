using Dequeue.Contracts.Events;

namespace Dequeue.Client.Hosting;

/// <summary>An app's handler of events. All registered ones get each event, one after the other.</summary>
public interface ISyncEventHandler
{
    /// <summary>Handles an event. With a store that keeps cursors each event comes at least once, and one whose handling threw comes
    /// again; otherwise it comes once while the app runs.</summary>
    /// <param name="next">The event, saved already.</param>
    /// <param name="cancellationToken">The app stops.</param>
    ValueTask HandleAsync(SyncEvent next, CancellationToken cancellationToken);
}
