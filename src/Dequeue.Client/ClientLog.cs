using Microsoft.Extensions.Logging;

namespace Dequeue.Client;

/// <summary>The client's log entries. None holds a token or a URL's query.</summary>
internal static partial class ClientLog
{
    [LoggerMessage(4001, LogLevel.Warning, "The stream was given up after {Events} events ({Kind}): {Why} REST pages carry on.")]
    public static partial void StreamGivenUp(ILogger logger, SyncFailureKind kind, string why, long events);

    [LoggerMessage(4003, LogLevel.Information, "The stream was cut after {Events} events, and is asked for again from there.")]
    public static partial void StreamResumed(ILogger logger, long events);

    [LoggerMessage(4002, LogLevel.Warning, "The live connection was lost ({Kind}): {Why}")]
    public static partial void LiveLost(ILogger logger, SyncFailureKind kind, string why);

    [LoggerMessage(4004, LogLevel.Warning, "Event {Id} left the queue: the server does not take it. {Why}")]
    public static partial void EventRefused(ILogger logger, string id, string why);
}
