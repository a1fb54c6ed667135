using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using Dequeue.Cli.Terminal;

namespace Dequeue.Cli.Commands;

/// <summary>What is wrong with a command line, one sentence each, the word that is meant first.</summary>
internal static class UsageErrors
{
    /// <summary>The sentences; none when nothing is wrong.</summary>
    public static IEnumerable<string> Of(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;

        // A word that nobody knows comes first and alone: whatever else is wrong follows from it.
        if (parsed.Errors.Count > 0 && parsed.UnmatchedTokens is [var unknown, ..]) return [Unknown(command, unknown)];
        if (parsed.Errors.Count > 0 && command is RootCommand) return [$"A command is missing: {string.Join(", ", Names(command))}."];
        return parsed.Errors.Select(Sentence).Distinct();
    }

    private static string Unknown(Command command, string word)
    {
        var shown = PlainText.Of(word);
        if (word.StartsWith('-')) return $"'{shown}' is no option of {command.Name}.{DidYouMean(word, command.Options.Select(option => option.Name))}";
        return command is RootCommand
            ? $"'{shown}' is no command of dequeue.{DidYouMean(word, Names(command))}"
            : $"'{shown}' is one word too many for {command.Name}.";
    }

    private static IEnumerable<string> Names(Command command) => command.Subcommands.Select(one => one.Name);

    private static string Sentence(ParseError error)
        => error.SymbolResult switch
        {
            OptionResult { Implicit: false, Tokens: [] } bare when bare.Option.Arity.MinimumNumberOfValues > 0 => $"{bare.Option.Name} wants a value.",
            OptionResult { Tokens: [var word] } typed when Highest(typed.Option.ValueType) is { } highest && !(long.TryParse(word.Value, out var number) && Math.Abs(number) <= highest)
                => $"{typed.Option.Name} is a whole number{(highest < long.MaxValue ? $" up to {highest}" : "")}, which '{PlainText.Of(word.Value)}' is not.",
            OptionResult { Tokens: [var word] } one when error.Message.Contains('\n', StringComparison.Ordinal)
                => $"{one.Option.Name} is {Choices(one.Option)}, not '{PlainText.Of(word.Value)}'.",
            ArgumentResult { Tokens: [var word] } one when error.Message.Contains('\n', StringComparison.Ordinal)
                => $"{one.Argument.Name} is {Choices(one.Argument)}, not '{PlainText.Of(word.Value)}'.",
            _ => PlainText.Of(error.Message),
        };

    private static long? Highest(Type type)
        => (Nullable.GetUnderlyingType(type) ?? type) is var number && number == typeof(int) ? int.MaxValue : number == typeof(long) ? long.MaxValue : null;

    private static string Choices(Symbol symbol) => string.Join(" or ", symbol.GetCompletions(CompletionContext.Empty).Select(choice => choice.Label));

    private static string DidYouMean(string word, IEnumerable<string> known)
    {
        var nearest = known.MinBy(name => Distance(word, name));
        return nearest is not null && Distance(word, nearest) <= (word.Length + 2) / 3 ? $" Did you mean {nearest}?" : "";
    }

    /// <summary>How many letters must be put in, taken out or changed.</summary>
    private static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var (diagonal, above) = (row[0], i);
            row[0] = above;
            for (var j = 1; j <= to.Length; j++)
            {
                above = row[j];
                row[j] = Math.Min(Math.Min(row[j - 1], above) + 1, diagonal + (from[i - 1] == to[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
