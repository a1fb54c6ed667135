using Microsoft.Extensions.Logging;

namespace Dequeue.Client.Tests.Servers;

/// <summary>Keeps what is logged.</summary>
internal sealed class LogList<T> : ILogger<T>
{
    private readonly Lock _lock = new();
    private readonly List<string> _entries = [];

    public IReadOnlyList<string> Entries
    {
        get
        {
            lock (_lock) return [.. _entries];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lock) _entries.Add($"{formatter(state, exception)} {exception}");
    }
}
