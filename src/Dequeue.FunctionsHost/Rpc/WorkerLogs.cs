using System.Collections.Concurrent;
using Dequeue.FunctionsHost.Rpc.Messages;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Rpc;

/// <summary>Passes the worker's log lines on, under their own category, level and event id.</summary>
internal sealed class WorkerLogs(ILoggerFactory loggers)
{
    /// <summary>Lines that name no category.</summary>
    private const string NoCategory = "Worker";

    /// <summary>Where the worker tells of invocations that threw.</summary>
    private const string Invocations = "Microsoft.Azure.Functions.Worker.FunctionsApplication";

    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);

    public void Write(RpcLog line)
    {
        // A call that was given up, by its caller or because the host stops, is no failure; the worker says it with the whole stack.
        var level = line.Category == Invocations && IsCancelled(line.Exception) ? LogLevel.Debug : (LogLevel)line.Level;
        if (level is < LogLevel.Trace or >= LogLevel.None) return;
        var logger = _loggers.GetOrAdd(line.Category.Length == 0 ? NoCategory : line.Category, loggers.CreateLogger);
        if (!logger.IsEnabled(level)) return;
        var text = line.Exception is { } failure ? $"{line.Message} {failure.Type}: {failure.Message} {failure.StackTrace}" : line.Message;
        var id = int.TryParse(line.EventId, out var number) ? number : new EventId(0, line.EventId); // a name, if it has one
        logger.Log(level, id, text, null, static (message, _) => message);
    }

    // The worker writes the exception as text.
    private static bool IsCancelled(RpcException? failure)
        => failure is not null
            && (failure.Message.StartsWith(typeof(OperationCanceledException).FullName!, StringComparison.Ordinal)
                || failure.Message.StartsWith(typeof(TaskCanceledException).FullName!, StringComparison.Ordinal));
}
