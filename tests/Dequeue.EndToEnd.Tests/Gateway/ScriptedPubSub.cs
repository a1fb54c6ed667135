using System.Net.WebSockets;
using System.Text;
using Dequeue.Contracts.Rest;
using Dequeue.Gateway;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.EndToEnd.Tests.Gateway;

/// <summary>A gateway before a Web PubSub that does what a test says.</summary>
internal sealed class ScriptedPubSub : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedPubSub(WebApplication app) => _app = app;

    /// <summary>The gateway's end.</summary>
    public Uri StreamUrl => new UriBuilder(_app.Urls.First()) { Scheme = "ws", Path = "/v1/sync/stream" }.Uri;

    /// <summary>Starts both.</summary>
    /// <param name="script">Plays Web PubSub on a connection, until it returns; null to refuse the upgrade with 503.</param>
    public static async Task<ScriptedPubSub> StartAsync(Func<WebSocket, CancellationToken, Task>? script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication? app = null;
        builder.Services.AddSyncGateway(_ => new Uri(app!.Urls.First()));
        app = builder.Build();
        app.UseSyncGateway();
        app.MapPost("/v1/sync/stream/negotiate", () => Results.Json(
            new NegotiateResponse(new UriBuilder(app.Urls.First()) { Scheme = "ws", Path = "/hub" }.Uri.AbsoluteUri, default), RestJson.Default.NegotiateResponse));
        app.Map("/hub", async context =>
        {
            if (script is null)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await script(socket, context.RequestAborted);
        });
        await app.StartAsync();
        return new ScriptedPubSub(app);
    }

    public static Task SendAsync(WebSocket socket, byte[] message, CancellationToken cancellationToken)
        => socket.SendAsync(message, WebSocketMessageType.Binary, true, cancellationToken);

    /// <summary>The next message as text; null after a close.</summary>
    public static async Task<string?> ReceiveAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close) return null;
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return Encoding.UTF8.GetString(message.ToArray());
        }
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
