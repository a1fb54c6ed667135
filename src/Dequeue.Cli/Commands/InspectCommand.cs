using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Dequeue.Cli.Terminal;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue inspect</c>: what an operator may see of a user's log where it is stored.</summary>
internal static class InspectCommand
{
    /// <summary>More than anybody reads, and less than a page.</summary>
    private const int MostEvents = 500;

    private const string None = "-";

    public static Command Create()
    {
        var stored = new StoredLog();
        var last = new Option<int>("--last") { Description = $"How many of the last events, 0 to {MostEvents}", DefaultValueFactory = _ => 10 };
        var json = new Option<bool>("--json") { Description = "One JSON object" };
        var command = new Command(
            "inspect",
            "Shows the shape of a user's log: events, pages, epoch, where it ends, and its last events without their payloads. Reads only; a server "
            + "may be running.\n\nExample: dequeue inspect --user ada\nExample: dequeue inspect --user ada --storage UseDevelopmentStorage=true --json") { last, json };
        stored.AddTo(command);
        last.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 0 or > MostEvents) result.AddError($"--last is 0 to {MostEvents}.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (of, seen) = await stored.UseAsync(parsed, async (events, log) => (log, await events.InspectAsync(log, parsed.GetValue(last), cancellationToken)));
            if (seen is { IsErasing: false, Head: { Count: 0, Epoch: null } })
            {
                await Console.Error.WriteLineAsync(StoredLog.Absent(of));
                return 1;
            }

            if (parsed.GetValue(json)) WriteJson(seen);
            else WriteText(seen);
            return 0;
        });
        return command;
    }

    private static void WriteText(LogInspection seen)
    {
        var head = seen.Head;
        if (seen.IsErasing) Console.WriteLine("The log is being erased; erase it again to finish.");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"events  {head.Count:N0}{(head.Bytes is { } bytes ? $", {bytes:N0} bytes" : "")}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pages   {seen.Pages:N0}, {seen.SealedPages:N0} of them sealed"));
        Console.WriteLine($"epoch   {PlainText.Of(head.Epoch ?? None)}");
        Console.WriteLine($"head    {head.Last}");
        Console.WriteLine($"digest  {head.Digest ?? None}");
        if (seen.LastEvents.Count == 0) return;
        Console.WriteLine();
        Console.WriteLine("committed                     bytes  type, id, device, device's time");
        foreach (var one in seen.LastEvents)
        {
            var fields = string.Join("  ", new[] { one.Type, one.Id, one.Device, one.DeviceTime }.Select(field => PlainText.Of(field ?? None)));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{one.Committed,-28}  {one.Bytes,5}  {fields}"));
        }
    }

    private static void WriteJson(LogInspection seen)
    {
        using var output = Console.OpenStandardOutput();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            writer.WriteNumber("events", seen.Head.Count);
            if (seen.Head.Bytes is { } bytes) writer.WriteNumber("bytes", bytes);
            writer.WriteNumber("pages", seen.Pages);
            writer.WriteNumber("sealedPages", seen.SealedPages);
            writer.WriteString("epoch", seen.Head.Epoch);
            writer.WriteString("checkpoint", seen.Head.Last.ToString());
            writer.WriteString("digest", seen.Head.Digest);
            writer.WriteBoolean("erasing", seen.IsErasing);
            writer.WriteStartArray("lastEvents");
            foreach (var one in seen.LastEvents)
            {
                writer.WriteStartObject();
                writer.WriteString("committed", one.Committed.ToString());
                writer.WriteString("id", one.Id);
                writer.WriteString("type", one.Type);
                writer.WriteString("ts", one.DeviceTime);
                writer.WriteString("device", one.Device);
                writer.WriteNumber("bytes", one.Bytes);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        output.Write("\n"u8);
    }
}
