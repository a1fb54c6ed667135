using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Dequeue.EndToEnd.Tests.ShippedApp;

/// <summary>
/// A client that does exactly what the shipped app does, and knows nothing more: header authentication, a binary request, binary
/// frames alone, strict types, start before batches, REST from the last saved checkpoint on any failure.
/// </summary>
internal sealed class ShippedAppClient(Uri stream, HttpClient rest, string token)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly HashSet<string> _ids = [];

    /// <summary>What the app saved last.</summary>
    public string Checkpoint { get; private set; } = "1970-01-01T00:00:00Z";

    /// <summary>The checkpoint of an app that has synced before.</summary>
    public string StartAt
    {
        init => Checkpoint = value;
    }

    /// <summary>The events applied, in order, as they stood in the message.</summary>
    public List<string> Applied { get; } = [];

    public long? AnnouncedTotal { get; private set; }

    public long? Processed { get; private set; }

    public List<int> BatchIndexes { get; } = [];

    public int LastBatches { get; private set; }

    public int TextFramesSkipped { get; private set; }

    /// <summary>Syncs as the app does.</summary>
    /// <returns>True when the stream did it, false when it fell back to REST.</returns>
    public async Task<bool> SyncAsync(CancellationToken cancellationToken)
    {
        try
        {
            await StreamAsync(cancellationToken);
            return true;
        }
        catch (Exception failure) when (failure is WebSocketException or GaveUpException or JsonException or TimeoutException)
        {
            await PullAsync(cancellationToken);
            return false;
        }
    }

    public async Task StreamAsync(CancellationToken cancellationToken)
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + token);
        await socket.ConnectAsync(stream, cancellationToken).WaitAsync(Patience, cancellationToken);
        var request = Encoding.UTF8.GetBytes($$"""{"type":"sync.stream.request","since":"{{Checkpoint}}"}""");
        await socket.SendAsync(request, WebSocketMessageType.Binary, true, cancellationToken);
        var started = false;
        while (true)
        {
            var (kind, frame) = await ReceiveAsync(socket, cancellationToken);
            if (kind == WebSocketMessageType.Close) throw new GaveUpException("closed before complete");
            if (kind == WebSocketMessageType.Text)
            {
                TextFramesSkipped++;
                continue;
            }

            using var message = JsonDocument.Parse(frame);
            var root = message.RootElement;
            switch (root.GetProperty("type").GetString())
            {
                case "sync.stream.start":
                    AnnouncedTotal = Integer(root, "totalEvents");
                    started = true;
                    break;
                case "sync.stream.batch":
                    if (!started) throw new GaveUpException("a batch before start");
                    BatchIndexes.Add((int)Integer(root, "batchIndex"));
                    if (Boolean(root, "isLast")) LastBatches++;
                    Apply(root.GetProperty("events"));
                    break;
                case "sync.stream.complete":
                    Processed = Integer(root, "processedEvents");
                    Checkpoint = root.GetProperty("newCheckpoint").GetString() ?? throw new GaveUpException("no checkpoint");
                    await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, cancellationToken); // 1001
                    return;
                case "sync.stream.error":
                    throw new GaveUpException(root.GetProperty("code").GetString()!);
            }
        }
    }

    public async Task PullAsync(CancellationToken cancellationToken)
    {
        for (var more = true; more;)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/apps/dequeue/sync/pull");
            request.Headers.Authorization = new("Bearer", token);
            request.Content = new StringContent($$"""{"since":"{{Checkpoint}}","limit":1000}""", Encoding.UTF8, "application/json");
            using var answer = await rest.SendAsync(request, cancellationToken);
            answer.EnsureSuccessStatusCode();
            using var page = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
            Apply(page.RootElement.GetProperty("events"));
            Checkpoint = page.RootElement.GetProperty("nextCheckpoint").GetString()!;
            more = page.RootElement.GetProperty("hasMore").GetBoolean();
        }
    }

    private void Apply(JsonElement events)
    {
        if (events.ValueKind != JsonValueKind.Array) throw new GaveUpException("events is no array");
        foreach (var next in events.EnumerateArray())
        {
            if (next.ValueKind != JsonValueKind.Object) throw new GaveUpException("an event is no object");
            if (!next.TryGetProperty("id", out var id) || !next.TryGetProperty("type", out _) || !next.TryGetProperty("ts", out _)
                || !next.TryGetProperty("payload", out var payload) || payload.ValueKind != JsonValueKind.Object
                || !next.TryGetProperty("payload_version", out var version) || version.GetInt32() < 2)
            {
                continue;
            }

            if (_ids.Add(id.GetString()!)) Applied.Add(next.GetRawText());
        }
    }

    private static long Integer(JsonElement message, string field)
        => message.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number && !value.GetRawText().Contains('.', StringComparison.Ordinal)
            ? value.GetInt64()
            : throw new GaveUpException(field + " is no integer");

    private static bool Boolean(JsonElement message, string field)
        => message.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw new GaveUpException(field + " is no boolean");

    private static async Task<(WebSocketMessageType Kind, byte[] Frame)> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        using var frame = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
            frame.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return (part.MessageType, frame.ToArray());
        }
    }

    private sealed class GaveUpException(string why) : Exception(why);
}
