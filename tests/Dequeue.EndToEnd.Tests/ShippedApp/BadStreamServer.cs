using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Dequeue.EndToEnd.Tests.ShippedApp;

/// <summary>A stream endpoint that misbehaves after the request, as a script says.</summary>
internal sealed class BadStreamServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BadStreamServer(WebApplication app) => _app = app;

    public Uri StreamUrl => new UriBuilder(_app.Urls.First()) { Scheme = "ws", Path = "/v1/sync/stream" }.Uri;

    public static async Task<BadStreamServer> StartAsync(Func<WebSocket, CancellationToken, Task>? script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(async context =>
        {
            if (script is null)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[1024], context.RequestAborted);
            await script(socket, context.RequestAborted);
        });
        await app.StartAsync();
        return new BadStreamServer(app);
    }

    public static Task SendAsync(WebSocket socket, string message, CancellationToken cancellationToken, bool asText = false)
        => socket.SendAsync(Encoding.UTF8.GetBytes(message), asText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, true, cancellationToken);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
