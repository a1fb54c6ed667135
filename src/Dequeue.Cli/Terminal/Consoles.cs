using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Spectre.Console;

namespace Dequeue.Cli.Terminal;

/// <summary>Where people read: results go to stdout, progress and errors to stderr. NO_COLOR is honoured.</summary>
internal static class Consoles
{
    /// <summary>The terminal behind stderr.</summary>
    public static IAnsiConsole Error { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>Sends log lines to stderr, the frameworks' own only from Warning on.</summary>
    /// <param name="logging">Where logging is set up.</param>
    /// <param name="least">The least that is logged.</param>
    /// <param name="asJson">One JSON object a line, with the time in UTC, instead of text.</param>
    public static void LogToStderr(ILoggingBuilder logging, LogLevel least, bool asJson = false)
    {
        if (asJson) logging.AddJsonConsole(console => (console.UseUtcTimestamp, console.TimestampFormat) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"));
        else logging.AddSimpleConsole(console => console.SingleLine = true);
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.SetMinimumLevel(least);
        foreach (var framework in new[] { "Microsoft", "System", "Yarp", "Azure", "Grpc" }) logging.AddFilter(framework, LogLevel.Warning);
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // a failed start is reported by its caller
    }
}
