using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Dequeue.Cli.Operating;
using Dequeue.Cli.Serving;
using Dequeue.Cli.Terminal;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue status</c>: how the server of a data folder is.</summary>
internal static class StatusCommand
{
    /// <summary>A server that is busy answers within a second; one that hangs never does.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var data = new ServerOptions().Data;
        var json = new Option<bool>("--json") { Description = "The server's answer as it is" };
        var command = new Command(
            "status", "Shows how the server that runs on a data folder is: streams, connections, sizes, the last errors, and where its page is.\n\nExample: dequeue status --data ./state") { data, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = DataFolder.Open(parsed.GetValue(data));
            using var answer = await OperatorSide.AskAsync(folder, Patience, cancellationToken);
            if (answer is null)
            {
                await Console.Error.WriteLineAsync("No server runs on this data folder (--data names another).");
                return 1;
            }

            var text = await answer.Content.ReadAsStringAsync(cancellationToken);
            if (!answer.IsSuccessStatusCode) throw new HttpRequestException($"The server answers {(int)answer.StatusCode}.");
            if (parsed.GetValue(json)) Console.WriteLine(text);
            else Write(JsonSerializer.Deserialize(text, OperatorJson.Default.ServerStatus)!, answer.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority));
            return 0;
        });
        return command;
    }

    private static void Write(ServerStatus status, string endpoint)
    {
        var streams = status.Streams;
        var files = string.Join(", ", status.Files.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => $"{file.Key} {Size(file.Value)}"));
        foreach (var (name, value) in new (string, FormattableString)[]
        {
            ("server", $"{status.Version}, up for {TimeSpan.FromSeconds(status.UptimeSeconds)}, page {endpoint}{OperatorSide.PagePath}/"),
            ("connections", $"{status.Connections:N0}"),
            ("streams", $"{streams.Running:N0} running, {streams.Started:N0} started, {streams.Completed:N0} completed, {streams.Failed:N0} failed ({streams.Left:N0} left by their client)"),
            ("pushed", $"{status.PushedEvents:N0} events; {status.StorageFailures:N0} calls of the storage failed"),
            ("files", $"{files}; {Size(status.FreeBytes)} free"),
            ("memory", $"{Size(status.MemoryBytes)}, with the worker"),
        })
            Console.WriteLine($"{name,-12} {value.ToString(CultureInfo.InvariantCulture)}");
        Console.WriteLine(status.Recent.Count == 0 ? "errors       none since the start" : "errors       newest first");
        foreach (var line in status.Recent) Console.WriteLine(PlainText.Of(string.Create(CultureInfo.InvariantCulture, $"  {line.At} {line.Level} {line.Id}: {line.Message}")));
    }

    private static string Size(long bytes)
        => bytes < 10_000_000_000 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB") : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:N0} GB");
}
