using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Dequeue.Cli.Links;
using Dequeue.Client;

namespace Dequeue.Bench;

/// <summary>Whether long streams end as streams on slow links: of the shipped app through the gateway, and of the .NET client with its
/// defaults at a negotiated URL. All run at once, each on a link of its own.</summary>
internal static class LinkBench
{
    private const int StallAfterBatches = 10;
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(50);

    public static async Task<string> RunAsync(int[] lengths, double[] megabits, int stallSeconds, CancellationToken cancellationToken)
    {
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        var runs = new List<Task<string>>();
        foreach (var events in lengths)
        {
            var tokens = await backend.PushAsync($"links-{events}", events, cancellationToken);
            foreach (var speed in megabits)
            {
                runs.Add(AppAsync(backend, tokens, events, speed, stallSeconds, cancellationToken));
                runs.Add(ClientAsync(backend, tokens, events, speed, stallSeconds, cancellationToken));
            }
        }

        var report = new StringBuilder("# Long streams on slow links\n\n")
            .AppendLine(CultureInfo.InvariantCulture, $"{RoundTrip.TotalMilliseconds:0} ms round trip{(stallSeconds > 0 ? $"; the link stalls for {stallSeconds} s after {StallAfterBatches} batches" : "")}. All at once, each on a link of its own.\n")
            .AppendLine("| client | events | link | came as | batches | bytes on the link | time | of the link's own |").AppendLine("|---|---:|---:|---|---:|---:|---:|---:|");
        foreach (var row in await Task.WhenAll(runs)) report.AppendLine(row);
        report.AppendLine(CultureInfo.InvariantCulture, $"\nHighest memory of host (with Web PubSub and gateway) and worker together: {backend.ServerPeakMemory / 1e6:0} MB.");
        return report.ToString();
    }

    private static async Task<string> AppAsync(
        BenchBackend backend, TokenProvider tokens, int events, double megabits, int stallSeconds, CancellationToken cancellationToken)
    {
        await using var link = new SlowLink(backend.Address, RoundTrip, megabits);
        var began = TimeProvider.System.GetTimestamp();
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + await tokens(false, cancellationToken));
        await socket.ConnectAsync(new UriBuilder(link.Address) { Scheme = "ws", Path = "/v1/sync/stream" }.Uri, cancellationToken);
        await socket.SendAsync(
            """{"type":"sync.stream.request","since":"1970-01-01T00:00:00Z"}"""u8.ToArray(), WebSocketMessageType.Binary, true, cancellationToken);
        var (batches, received, end) = (0, 0, "");
        while (end.Length == 0)
        {
            using var message = await ReceiveAsync(socket, cancellationToken);
            switch (message?.RootElement.GetProperty("type").GetString())
            {
                case "sync.stream.batch":
                    received += message.RootElement.GetProperty("events").GetArrayLength();
                    if (++batches == StallAfterBatches && stallSeconds > 0) link.Stall(TimeSpan.FromSeconds(stallSeconds));
                    break;
                case "sync.stream.complete":
                    end = received == events ? "stream" : $"stream of {received:N0}";
                    break;
                case "sync.stream.start":
                    break;
                default:
                    end = $"cut after {received:N0} ({(int?)socket.CloseStatus} {socket.CloseStatusDescription})";
                    break;
            }
        }

        return Row("shipped app, gateway", events, megabits, stallSeconds, end, batches, link, began);
    }

    private static async Task<string> ClientAsync(
        BenchBackend backend, TokenProvider tokens, int events, double megabits, int stallSeconds, CancellationToken cancellationToken)
    {
        var (negotiated, http) = await NegotiateAsync(backend.Address, tokens, cancellationToken);
        await using var link = new SlowLink(negotiated, RoundTrip, megabits);
        using var handler = new Rerouting(link.Address.Port);
        using var rerouted = new HttpClient(handler);
        http.Dispose();
        using var device = new SyncManager(new SyncOptions { Server = backend.Address }, new InMemoryEventStore(), tokens, rerouted);
        var began = TimeProvider.System.GetTimestamp();
        var stall = new Stall(link, StallAfterBatches * 1000, stallSeconds);
        var result = await device.PullAsync(stall, cancellationToken);
        var end = $"{result.Transport.ToString().ToLowerInvariant()}{(result.Resumes > 0 ? ", resumed" : "")}{(result.Added == events ? "" : $", {result.Added:N0} events")}";
        return Row(".NET client, defaults", events, megabits, stallSeconds, end, (events + 999) / 1000, link, began);
    }

    private static string Row(string client, int events, double megabits, int stallSeconds, string end, int batches, SlowLink link, long began)
    {
        var seconds = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {client} | {events:N0} | {megabits:0} Mbit/s | {end} | {batches:N0} | {link.BytesBack / 1e6:0.0} MB | {seconds:0.0} s | {(link.BytesBack * 8 / 1e6 / megabits + stallSeconds) / seconds:0.00} |");
    }

    private static async Task<(Uri Url, HttpClient Http)> NegotiateAsync(Uri server, TokenProvider tokens, CancellationToken cancellationToken)
    {
        var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, "/v1/sync/stream/negotiate"));
        request.Headers.Add("Authorization", "Bearer " + await tokens(false, cancellationToken));
        using var answer = await http.SendAsync(request, cancellationToken);
        using var body = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
        return (new Uri(body.RootElement.GetProperty("url").GetString()!), http);
    }

    private static async Task<JsonDocument?> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close) return null;
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonDocument.Parse(message.ToArray());
        }
    }

    /// <summary>Leads the socket that is negotiated over a link.</summary>
    private sealed class Rerouting(int port) : DelegatingHandler(new HttpClientHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            if (!request.RequestUri!.AbsolutePath.EndsWith("/negotiate", StringComparison.Ordinal)) return answer;
            using var body = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
            var url = new UriBuilder(body.RootElement.GetProperty("url").GetString()!) { Host = "127.0.0.1", Port = port }.Uri.AbsoluteUri;
            answer.Content = new StringContent($$"""{"url":"{{url}}","expiresAt":"{{body.RootElement.GetProperty("expiresAt").GetString()}}"}""", Encoding.UTF8, "application/json");
            return answer;
        }
    }

    private sealed class Stall(SlowLink link, int afterEvents, int seconds) : IProgress<SyncProgress>
    {
        private int _stalled;

        public void Report(SyncProgress value)
        {
            if (seconds > 0 && value.Processed >= afterEvents && Interlocked.Exchange(ref _stalled, 1) == 0) link.Stall(TimeSpan.FromSeconds(seconds));
        }
    }
}
