using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Reading;

namespace Dequeue.Sync.Streaming;

/// <summary>Which events a stream brings, and which of them first.</summary>
/// <param name="First">Those that come first; null when none were asked for.</param>
/// <param name="Survivors">All that come; null for the whole history.</param>
public sealed record StreamSelection(EventSelection? First, EventSelection? Survivors);
