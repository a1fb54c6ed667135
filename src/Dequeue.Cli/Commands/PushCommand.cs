using System.CommandLine;
using System.Globalization;
using Dequeue.SampleEvents;
using Dequeue.Cli.Terminal;
using Dequeue.Client;
using Spectre.Console;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue push</c>: pushes events from a file, or made up.</summary>
internal static class PushCommand
{
    public static Command Create()
    {
        var client = new ClientOptions();
        var file = new Option<FileInfo?>("--file") { Description = "Events as JSON lines; blank ones are skipped" };
        var fromLine = new Option<int>("--from-line") { Description = "With --file: the line to begin with, where an earlier push failed", DefaultValueFactory = _ => 1 };
        var generate = new Option<int?>("--generate") { Description = "Make up so many realistic events" };
        var seed = new Option<long>("--seed") { Description = "Seed of the made-up events", DefaultValueFactory = _ => 1 };
        var command = new Command("push", "Pushes events. Ids make it safe to repeat.\n\nExample: dequeue push --generate 5000 --token $(dequeue token --user ada)") { file, fromLine, generate, seed };
        client.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(file) is null == parsed.GetValue(generate) is null) throw new UsageException("push wants either --file F.jsonl or --generate N.");
            var lines = parsed.GetValue(file) is { } path ? Lines(path, parsed.GetValue(fromLine)) : null;
            if (lines is null && parsed.GetResult(fromLine) is { Implicit: false }) throw new UsageException("--from-line belongs to --file.");
            if (parsed.GetValue(generate) is < 0) throw new UsageException("--generate is 0 or more.");
            var events = lines?.Read() ?? new EventGenerator(new EventGeneratorOptions { Seed = parsed.GetValue(seed), UserId = "" })
                .Generate(parsed.GetValue(generate)!.Value).Select(json => (ReadOnlyMemory<byte>)json);
            using var sync = new SyncManager(client.Read(parsed), new InMemoryEventStore(), client.Token(parsed));
            await client.RequireServerAsync(parsed, cancellationToken);
            var tally = new Tally();
            PushResult result;
            try
            {
                result = await SyncBar.ShowAsync(Consoles.Error, "Push", progress => sync.PushAsync(events, tally.Before(progress), cancellationToken));
            }
            catch (Exception failure) when (lines is not null && failure is SyncFailedException or InvalidDataException or OperationCanceledException)
            {
                var why = failure is OperationCanceledException ? "Interrupted." : failure.Message;
                var goOn = lines.NextLine(tally.Answered) is { } line ? $" What is before line {line} was pushed: --from-line {line} goes on there." : " Nothing was pushed.";
                await Console.Error.WriteLineAsync(PlainText.Of(why) + goOn);
                if (failure is OperationCanceledException) throw;
                return 1;
            }

            if (lines is { HasRead: false } && parsed.GetValue(fromLine) > 1)
            {
                await Console.Error.WriteLineAsync($"{parsed.GetValue(file)!.Name} has no event from line {parsed.GetValue(fromLine)} on (--from-line).");
                return 1;
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Acknowledged} acknowledged, {result.Rejected.Count} rejected in {result.Seconds:0.00} s"));
            var places = lines?.LinesOf(result.Rejected.Select(rejected => rejected.Id));
            foreach (var rejected in result.Rejected)
            {
                var place = places is not null && places.TryGetValue(rejected.Id, out var at) ? $"line {at}, " : "";
                await Console.Error.WriteLineAsync(PlainText.Of($"{place}{rejected.Id}: {rejected.Reason}"));
            }

            return result.Rejected.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static EventFile Lines(FileInfo file, int fromLine)
        => fromLine < 1 ? throw new UsageException("--from-line is 1 or more.")
            : file.Exists ? new EventFile(file, fromLine)
            : throw new FileNotFoundException($"There is no file {file.FullName} (--file).");

    /// <summary>Notes how many events the server has answered for.</summary>
    private sealed class Tally
    {
        public long Answered { get; private set; }

        public IProgress<SyncProgress> Before(IProgress<SyncProgress> next) => new Step(this, next);

        private sealed class Step(Tally tally, IProgress<SyncProgress> next) : IProgress<SyncProgress>
        {
            public void Report(SyncProgress value)
            {
                tally.Answered = value.Processed;
                next.Report(value);
            }
        }
    }
}
