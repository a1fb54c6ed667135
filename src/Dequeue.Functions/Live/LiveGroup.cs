using Dequeue.Functions.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Live;

/// <summary>The Web PubSub group of a user's live devices.</summary>
internal static class LiveGroup
{
    public static string Of(LogKey log) => "live." + ConnectionUser.Format(log);
}
