using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary>Keeps what is logged.</summary>
internal sealed class LogLines
{
    private readonly ConcurrentQueue<LogLine> _lines = new();

    public IReadOnlyList<LogLine> All => [.. _lines];

    internal sealed class Logger(LogLines owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => owner._lines.Enqueue(new LogLine(logLevel, category, eventId, formatter(state, exception)));
    }
}

internal sealed record LogLine(LogLevel Level, string Category, EventId Id, string Text);
