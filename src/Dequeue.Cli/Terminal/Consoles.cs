using Spectre.Console;

namespace Dequeue.Cli.Terminal;

/// <summary>Where people read: results go to stdout, progress and errors to stderr. NO_COLOR is honoured.</summary>
internal static class Consoles
{
    /// <summary>The terminal behind stderr.</summary>
    public static IAnsiConsole Error { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
}
