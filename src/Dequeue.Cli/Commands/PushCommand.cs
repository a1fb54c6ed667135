using System.CommandLine;
using System.Globalization;
using Dequeue.Cli.Generating;
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
        var file = new Option<FileInfo?>("--file") { Description = "Events as JSON lines" };
        var generate = new Option<int?>("--generate") { Description = "Make up so many realistic events" };
        var seed = new Option<long>("--seed") { Description = "Seed of the made-up events", DefaultValueFactory = _ => 1 };
        var command = new Command("push", "Pushes events. Ids make it safe to repeat.\n\nExample: dequeue push --generate 5000 --token $(dequeue token --user ada)") { file, generate, seed };
        client.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var events = (parsed.GetValue(file), parsed.GetValue(generate)) switch
            {
                ({ } path, null) => Lines(path),
                (null, >= 0 and { } count) => new EventGenerator(new EventGeneratorOptions { Seed = parsed.GetValue(seed), UserId = "" }).Generate(count).Select(json => (ReadOnlyMemory<byte>)json),
                _ => throw new UsageException("push wants either --file F.jsonl or --generate N."),
            };
            using var sync = new SyncManager(client.Read(parsed), new InMemoryEventStore(), client.Token(parsed));
            var result = await SyncBar.ShowAsync(Consoles.Error, "Push", progress => sync.PushAsync(events, progress, cancellationToken));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Acknowledged} acknowledged, {result.Rejected.Count} rejected in {result.Seconds:0.00} s"));
            foreach (var rejected in result.Rejected) await Console.Error.WriteLineAsync(PlainText.Of($"{rejected.Id}: {rejected.Reason}"));
            return result.Rejected.Count == 0 ? 0 : 1;
        });
        return command;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(FileInfo file)
        => File.ReadLines(file.FullName).Where(line => line.Length > 0).Select(line => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(line));
}
