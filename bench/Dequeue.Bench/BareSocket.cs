using System.Net.WebSockets;
using System.Text.Json;
using Dequeue.SampleEvents;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Bench;

/// <summary>
/// The floor: the same events as 1,000-event binary frames, ready in memory, from a bare Kestrel WebSocket to a client that
/// parses each frame with <see cref="JsonDocument"/>. No storage, no order, no checkpoint.
/// </summary>
internal static class BareSocket
{
    private const int EventsPerFrame = 1000;

    /// <summary>Serves until cancelled; prints <c>ready URL</c>. A client connects to <c>/?events=N</c>.</summary>
    public static async Task ServeAsync(int events, CancellationToken cancellationToken)
    {
        var frames = Frames(events);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.UseWebSockets();
        app.Run(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[256], context.RequestAborted);
            foreach (var frame in frames) await socket.SendAsync(frame, WebSocketMessageType.Binary, true, context.RequestAborted);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        });
        await app.StartAsync(cancellationToken);
        Console.WriteLine($"ready {app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()}");
        await app.WaitForShutdownAsync(cancellationToken);
    }

    /// <summary>Receives everything once.</summary>
    /// <returns>Milliseconds from the first packet to the last parsed event.</returns>
    public static async Task<double> ReceiveAsync(Uri server, int events, CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var began = clock.GetTimestamp();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws" }.Uri, cancellationToken);
        await socket.SendAsync("go"u8.ToArray(), WebSocketMessageType.Binary, true, cancellationToken);
        var buffer = new byte[4 * 1024 * 1024];
        var received = 0;
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                length += part.Count;
            }
            while (!part.EndOfMessage);
            if (part.MessageType == WebSocketMessageType.Close) break;
            using var frame = JsonDocument.Parse(buffer.AsMemory(0, length));
            received += frame.RootElement.GetProperty("events").GetArrayLength();
        }

        var elapsed = clock.GetElapsedTime(began).TotalMilliseconds;
        return received == events ? elapsed : throw new InvalidOperationException($"{received} of {events} events arrived.");
    }

    private static List<byte[]> Frames(int events)
        => [.. new EventGenerator(new EventGeneratorOptions()).Generate(events).Chunk(EventsPerFrame).Select((chunk, index) =>
        {
            using var frame = new MemoryStream();
            frame.Write(System.Text.Encoding.ASCII.GetBytes($"{{\"type\":\"sync.stream.batch\",\"batchIndex\":{index},\"isLast\":false,\"events\":["));
            for (var i = 0; i < chunk.Length; i++)
            {
                if (i > 0) frame.WriteByte((byte)',');
                frame.Write(chunk[i]);
            }

            frame.Write("]}"u8);
            return frame.ToArray();
        })];
}
