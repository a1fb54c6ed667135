using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.WebPubSub.Tests;

/// <summary>One event as a handler gets it.</summary>
public sealed record ReceivedEvent(string Type, string? UserId, string ConnectionId, string? ContentType, byte[] Body, IReadOnlyDictionary<string, string> Headers)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Body);
}

/// <summary>A real web application that takes events and keeps them in order.</summary>
public sealed class EventHandlerApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Channel<ReceivedEvent> _events = Channel.CreateUnbounded<ReceivedEvent>();

    private EventHandlerApp(WebApplication app) => _app = app;

    /// <summary>Answers an event; by default 204.</summary>
    public Func<ReceivedEvent, HttpResponse, Task> Answer { get; set; } = (_, response) =>
    {
        response.StatusCode = 204;
        return Task.CompletedTask;
    };

    /// <summary>Answers the preflight; by default with every origin.</summary>
    public string? AllowedOrigin { get; set; } = "*";

    public ConcurrentQueue<string> Preflights { get; } = new();

    public Uri Url { get; private set; } = null!;

    public string Template => $"{Url}events/{{hub}}/{{event}}";

    public static async Task<EventHandlerApp> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var handler = new EventHandlerApp(app);
        app.Run(handler.HandleAsync);
        await app.StartAsync(cancellationToken);
        handler.Url = new Uri(app.Urls.Single() + "/");
        return handler;
    }

    /// <summary>The next event, in the order in which they came.</summary>
    public async Task<ReceivedEvent> NextAsync(CancellationToken cancellationToken)
    {
        using var timeout = Wait.AtMost(cancellationToken);
        return await _events.Reader.ReadAsync(timeout.Token);
    }

    public bool TryNext(out ReceivedEvent? received) => _events.Reader.TryRead(out received);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Method == "OPTIONS")
        {
            Preflights.Enqueue($"{request.Path} {request.Headers["WebHook-Request-Origin"]} {request.Headers["ce-awpsversion"]}");
            if (AllowedOrigin is not null) context.Response.Headers["WebHook-Allowed-Origin"] = AllowedOrigin;
            return;
        }

        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        var headers = request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        headers["path"] = request.Path;
        var received = new ReceivedEvent(
            headers["ce-type"], headers.GetValueOrDefault("ce-userId"), headers["ce-connectionId"], request.ContentType, body.ToArray(), headers);
        _events.Writer.TryWrite(received);
        await Answer(received, context.Response);
    }
}
