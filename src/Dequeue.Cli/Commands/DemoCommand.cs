using System.CommandLine;
using System.Globalization;
using System.Text;
using Dequeue.SampleEvents;
using Dequeue.Cli.Links;
using Dequeue.Cli.Serving;
using Dequeue.Cli.Terminal;
using Dequeue.Client;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Auth;
using Spectre.Console;

namespace Dequeue.Cli.Commands;

/// <summary>
/// <c>dequeue demo</c>: the project in a minute. A user's first device pushes a history through the real API; then a new device
/// gets it, by the stream and by REST, on this machine and over a phone's link; and every copy is proved equal to what was pushed.
/// </summary>
internal static class DemoCommand
{
    /// <summary>A phone on a good day: 50 ms there and back, 50 Mbit/s.</summary>
    private static readonly TimeSpan PhoneRoundTrip = TimeSpan.FromMilliseconds(50);
    private const double PhoneMegabits = 50;

    /// <summary>Events of the largest REST page, which is what a good client asks for.</summary>
    private const int LargestPage = 1_000;

    /// <summary>Events of a REST page when the client names no limit.</summary>
    private const int UsualPage = 100;

    /// <summary>The rows of the table that the headline compares.</summary>
    private const int PhoneStream = 2, PhoneLargest = 3, PhoneUsual = 4;

    public static Command Create()
    {
        var server = new ServerOptions();
        var events = new Option<int>("--events") { Description = "Length of the history", DefaultValueFactory = _ => 10_000 };
        var exit = new Option<bool>("--exit") { Description = "Stop when everything was shown" };
        var open = new Option<bool>("--open") { Description = "Open the page in the browser at the end" };
        var command = new Command("demo", "Shows the whole system at work: a history is pushed, and a new device gets it by stream and by REST. Ctrl+C ends it at any time.\n\nExample: dequeue demo --events 50000 --exit") { events, exit, open };
        server.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(events) is < 1 or > 1_000_000) throw new UsageException("--events is 1 to 1000000.");
            using var scratch = new ScratchFolder();
            var options = server.Read(parsed);
            if (options.DataFolder is null) options = options with { DataFolder = scratch.Path };
            var link = new ShortLink();
            options = options with { Front = link.Use };
            AnsiConsole.MarkupLine("[grey]Starting …[/]");
            await using var backend = await StartAsync(options, server.NamesPort(parsed), cancellationToken);
            var user = UserId.Parse($"demo-{Convert.ToHexStringLower(BitConverter.GetBytes(TimeProvider.System.GetUtcNow().Ticks))}");
            var key = Encoding.UTF8.GetBytes(DataFolder.Open(options.DataFolder).DevSigningKey());
            var token = DevTokens.Create(key, user, AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(12));
            var all = await RunAsync(AnsiConsole.Console, backend, user, token, parsed.GetValue(events), cancellationToken);
            if (parsed.GetValue(exit) || !all) return all ? 0 : 1;
            link.LeadTo("/#token=" + token);
            var page = new Uri(backend.Address, link.Path);
            AnsiConsole.MarkupLine($"See it in a browser: [bold]{page}[/]");
            if (parsed.GetValue(open) && await Browser.OpenAsync(page, cancellationToken) is { } failure) await Console.Error.WriteLineAsync(failure);
            AnsiConsole.MarkupLine("[grey]Running. Ctrl+C stops it.[/]");
            await backend.WaitForShutdownAsync(cancellationToken);
            return 0;
        });
        return command;
    }

    // A stranger's machine may use the usual ports for something else, and he did not ask for them.
    private static async Task<LocalBackend> StartAsync(BackendOptions options, bool namesPort, CancellationToken cancellationToken)
    {
        try
        {
            return await LocalBackend.StartAsync(options, cancellationToken);
        }
        catch (IOException) when (!namesPort)
        {
            return await LocalBackend.StartAsync(options with { Port = 0, PubSubPort = 0 }, cancellationToken);
        }
    }

    private static async Task<bool> RunAsync(IAnsiConsole console, LocalBackend backend, UserId user, string token, int count, CancellationToken cancellationToken)
    {
        ValueTask<string> Token(bool refused, CancellationToken ct) => ValueTask.FromResult(token);

        console.WriteLine();
        console.MarkupLine($"[bold]dequeue[/] serves at [link]{backend.Address.GetLeftPart(UriPartial.Authority)}[/]");
        console.MarkupLine("[grey]The functions on the official worker; their host, durable engine, Web PubSub and event log in this process.[/]");
        console.WriteLine();

        List<byte[]> history = [.. new EventGenerator(new EventGeneratorOptions { UserId = user.Value }).Generate(count)];
        var digest = EventDigest.Of(history.Select(json => (ReadOnlyMemory<byte>)json));

        using (var first = new SyncManager(new SyncOptions { Server = backend.Address }, new InMemoryEventStore(), Token))
            await SyncBar.ShowAsync(console, "A first device pushes", progress => first.PushAsync(history.Select(json => (ReadOnlyMemory<byte>)json), progress, cancellationToken));

        await using var phone = new SlowLink(backend.Address, PhoneRoundTrip, PhoneMegabits);
        var near = new SyncOptions { Server = backend.Address };
        var far = new SyncOptions { Server = phone.Address };
        (string Title, string Way, SyncOptions Options)[] devices =
        [
            ("A new device, stream", "loopback, stream", near),
            ("A new device, REST", $"loopback, pages of {Number(LargestPage)}", near with { Stream = StreamEndpoint.None, PageSize = LargestPage }),
            ("A new phone, stream", "phone link, stream", far with { Stream = StreamEndpoint.Gateway }),
            ("A new phone, REST", $"phone link, pages of {Number(LargestPage)}", far with { Stream = StreamEndpoint.None, PageSize = LargestPage }),
            ("A new phone, REST 100", $"phone link, pages of {UsualPage}", far with { Stream = StreamEndpoint.None, PageSize = UsualPage }),
            ("A new phone, compact", "phone link, compact", far with { Stream = StreamEndpoint.Gateway, Compact = new() }),
        ];

        // A server that runs for a while is warm; so is this one before the clock runs.
        foreach (var (_, _, settings) in devices.Take(3))
        {
            using var warmUp = new SyncManager(settings, new InMemoryEventStore(), Token);
            await warmUp.PullAsync(null, cancellationToken);
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumn($"{Counted.Of(count, "event")} by")
            .AddColumn("Time", column => column.RightAligned()).AddColumn("Events/s", column => column.RightAligned())
            .AddColumn("Received", column => column.RightAligned()).AddColumn("History");
        var allEqual = true;
        var seconds = new List<double>();
        foreach (var (title, way, settings) in devices)
        {
            var store = new InMemoryEventStore();
            using var device = new SyncManager(settings, store, Token);
            var result = await SyncBar.ShowAsync(console, title, progress => device.PullAsync(progress, cancellationToken));
            var isCompact = settings.Compact is not null;
            var isRight = isCompact ? result.DigestVerified && result.HistoryEvents == count : store.Digest() == digest;
            var equal = isRight && (result.Transport == SyncTransport.Stream) == (settings.Stream != StreamEndpoint.None);
            allEqual &= equal;
            seconds.Add(result.Seconds);
            table.AddRow(
                way, $"{Number(result.Seconds, "0.000")} s", Number(result.Events / result.Seconds), $"{Number(result.Bytes / 1e6, "0.0")} MB",
                !equal ? "[red]✗ differs[/]" : isCompact ? $"[green]✓ {Number(result.Added)} matter[/]" : "[green]✓ equal[/]");
        }

        console.WriteLine();
        console.Write(table);
        console.MarkupLine($"[grey]Pages are REST. Phone link: simulated, {PhoneRoundTrip.TotalMilliseconds:0} ms round trip, {PhoneMegabits:0} Mbit/s, warmed up.[/]");
        var (fast, slow) = (Number(seconds[PhoneLargest] / seconds[PhoneStream], "0.0"), Number(seconds[PhoneUsual] / seconds[PhoneStream], "0.0"));
        console.MarkupLine($"There the stream is [bold]{fast} ×[/] as fast as pages of {Number(LargestPage)}, {slow} × as pages of {UsualPage}.");
        console.MarkupLine($"[grey]SHA-256 of what was pushed:[/] {digest[..16]}…{digest[^8..]}");
        console.MarkupLine(allEqual ? "[green]Every device holds the pushed history, byte for byte, in the same order; the compact one what still matters of it.[/]" : "[red]A device holds another history than was pushed.[/]");
        console.WriteLine();
        return allEqual;
    }

    private static string Number(double value, string format = "N0") => value.ToString(format, CultureInfo.InvariantCulture);

    private sealed class ScratchFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("dequeue-demo-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
