using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Dequeue.Cli.Operating;

/// <summary>Keeps the last warnings and errors, for who looks after the server.</summary>
internal sealed class RecentLog(TimeProvider clock) : ILoggerProvider
{
    /// <summary>What a page shows; of a storm the last ones say as much as all.</summary>
    private const int Kept = 50;

    private readonly Queue<LogLine> _lines = new(Kept);
    private readonly Lock _gate = new();

    /// <summary>The lines, newest first.</summary>
    public IReadOnlyList<LogLine> Lines
    {
        get
        {
            lock (_gate) return [.. _lines.Reverse()];
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private void Add(LogLine line)
    {
        lock (_gate)
        {
            if (_lines.Count == Kept) _lines.Dequeue();
            _lines.Enqueue(line);
        }
    }

    private sealed class Logger(RecentLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;

            // Of a stack the first line: the rest is in the log.
            var message = formatter(state, exception);
            var text = exception is null ? message : $"{message} {exception.GetType().Name}: {exception.Message}";
            var end = text.IndexOf('\n', StringComparison.Ordinal);
            log.Add(new LogLine(log.Now(), logLevel.ToString(), eventId.Id, category, end < 0 ? text : text[..end].TrimEnd()));
        }
    }

    private string Now() => clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}

/// <summary>A line of the log.</summary>
/// <param name="At">When, in UTC.</param>
/// <param name="Level">How bad.</param>
/// <param name="Id">The event id; docs/operating.md says what to do.</param>
/// <param name="Category">Which part says it.</param>
/// <param name="Message">What.</param>
internal sealed record LogLine(string At, string Level, int Id, string Category, string Message);
