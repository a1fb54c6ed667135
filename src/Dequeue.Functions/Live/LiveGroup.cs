using Dequeue.Functions.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Live;

/// <summary>The Web PubSub groups of a user's live devices.</summary>
internal static class LiveGroup
{
    /// <summary>Live sockets: an event a message.</summary>
    public static string Of(LogKey log) => "live." + ConnectionUser.Format(log);

    /// <summary>Streams that stay open: batches, as JSON or as binary frames.</summary>
    /// <remarks>No kind's prefix begins with another's: an app id may hold dots, and one app's group must never be another's.</remarks>
    public static string OfStreams(LogKey log, bool speakJson) => (speakJson ? "tail-json." : "tail.") + ConnectionUser.Format(log);
}
