using System.IO.Compression;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Dequeue.Client.Tests.Conversations;

/// <summary>The server of a conversation, over real sockets: does its steps, one after the other, and nothing else.</summary>
internal sealed class ConversationServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Conversation _conversation;
    private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();
    private readonly Channel<Call> _sockets = Channel.CreateUnbounded<Call>();
    private readonly Channel<JsonElement> _messages = Channel.CreateUnbounded<JsonElement>();
    private (WebSocket Socket, Call Call, Task Closed)? _open;
    private string _step = "";

    private ConversationServer(WebApplication app, Conversation conversation) => (_app, _conversation) = (app, conversation);

    public Uri Address { get; private set; } = null!;

    public static async Task<ConversationServer> StartAsync(Conversation conversation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var server = new ConversationServer(app, conversation);
        app.UseWebSockets();
        app.Run(server.HandleAsync);
        await app.StartAsync();
        server.Address = new Uri(app.Urls.First());
        return server;
    }

    /// <summary>Does all the steps.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        foreach (var step in _conversation.Steps)
        {
            _step = step.GetRawText();
            await DoAsync(step, stop);
        }
    }

    /// <summary>Asserts that the client has said nothing beyond the steps.</summary>
    public void AssertQuiet()
    {
        Assert.False(_calls.Reader.TryPeek(out var call), $"The client called {call?.Name} too.");
        Assert.False(_sockets.Reader.TryPeek(out _), "The client opened a WebSocket too.");
        Assert.False(_messages.Reader.TryPeek(out var message), $"The client said {message} too.");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task DoAsync(JsonElement step, CancellationToken stop)
    {
        switch (step.EnumerateObject().First())
        {
            case { Name: "negotiate" }:
                await AnswerAsync(
                    JsonElement.Parse(
                        $$$"""
                        {"call":"POST /v1/sync/stream/negotiate","answer":{"url":"ws://{{{Address.Authority}}}/client","expiresAt":"2026-11-22T08:15:30Z"}}
                        """),
                    stop);
                break;
            case { Name: "call" }:
                await AnswerAsync(step, stop);
                break;
            case { Name: "open", Value.ValueKind: JsonValueKind.String }:
                var refused = await _sockets.Reader.ReadAsync(stop);
                refused.Context.Response.StatusCode = 502;
                refused.Done.SetResult();
                break;
            case { Name: "open" }:
                var call = await _sockets.Reader.ReadAsync(stop);
                var socket = await call.Context.WebSockets.AcceptWebSocketAsync();
                _open = (socket, call, ReceiveAsync(socket, call));
                break;
            case { Name: "ask", Value: var fields }:
                AssertHas(await _messages.Reader.ReadAsync(stop), fields, _step);
                break;
            case { Name: "ack", Value: var index }:
                var ack = await _messages.Reader.ReadAsync(stop);
                Assert.Equal($$$"""{"type":"sync.stream.ack","batchIndex":{{{index}}}}""", ack.GetRawText());
                break;
            case { Name: "send", Value: var message }:
                var bytes = _conversation.Spelled(message, Address);
                if (step.TryGetProperty("gzip", out _)) bytes = Gzip(bytes);
                await _open!.Value.Socket.SendAsync(bytes, WebSocketMessageType.Binary, true, stop);
                break;
            case { Name: "cut" }:
                // Ends without a word, but after what was sent: a reset would take that back.
                _open!.Value.Call.Done.TrySetResult();
                break;
            case { Name: "silent" }:
                await _open!.Value.Closed.WaitAsync(stop);
                break;
            default:
                throw new InvalidOperationException($"Nothing is done by {_step}.");
        }
    }

    private async Task AnswerAsync(JsonElement step, CancellationToken stop)
    {
        var call = await _calls.Reader.ReadAsync(stop);
        Assert.True(call.Name == step.GetProperty("call").GetString(), $"The client called {call.Name}. {_step}");
        var request = call.Context.Request;
        if (step.TryGetProperty("token", out var token)) Assert.Equal($"Bearer {token.GetString()}", request.Headers.Authorization);
        if (step.TryGetProperty("body", out var body)) AssertHas(JsonElement.Parse(call.Body), body, _step);
        if (step.TryGetProperty("pushed", out var pushed))
        {
            var events = $$"""{"events":[{{string.Join(',', _conversation.Events(pushed).Select(System.Text.Encoding.UTF8.GetString))}}]""";
            Assert.StartsWith(events, System.Text.Encoding.UTF8.GetString(call.Body), StringComparison.Ordinal);
        }

        var response = call.Context.Response;
        if (step.TryGetProperty("fails", out _))
        {
            // In the midst of the answer: before it, HttpClient itself would ask again.
            response.ContentLength = 1000;
            await response.WriteAsync("{", stop);
            await response.Body.FlushAsync(stop);
            call.Context.Abort();
        }
        else
        {
            if (step.TryGetProperty("status", out var status)) response.StatusCode = status.GetInt32();
            if (step.TryGetProperty("headers", out var headers))
                foreach (var header in headers.EnumerateObject()) response.Headers[header.Name] = header.Value.GetString();
            var spelled = step.TryGetProperty("answer", out var answer) ? _conversation.Spelled(answer, Address) : "{}"u8.ToArray();
            await response.Body.WriteAsync(spelled, stop);
        }

        call.Done.SetResult();
    }

    private async Task ReceiveAsync(WebSocket socket, Call call)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, call.Context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
                _messages.Writer.TryWrite(JsonElement.Parse(buffer.AsSpan(0, received.Count)));
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ConnectionAbortedException)
        {
            // Cut, by either side.
        }

        call.Done.TrySetResult();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (path.StartsWith("/blobs/", StringComparison.Ordinal))
        {
            Assert.Equal(0, context.Request.Headers.Authorization.Count);
            var blob = _conversation.Part("blobs").GetProperty(path);
            if (blob.TryGetProperty("status", out var status))
            {
                context.Response.StatusCode = status.GetInt32();
                return;
            }

            var events = _conversation.Events(blob.GetProperty("events")).Select(System.Text.Encoding.UTF8.GetString);
            await context.Response.WriteAsync($"[{string.Join(',', events)}]");
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = new Call(context, $"{context.Request.Method} {path}", body.ToArray(), done);
        (context.WebSockets.IsWebSocketRequest ? _sockets : _calls).Writer.TryWrite(call);
        await call.Done.Task;
    }

    /// <summary>What must be there is there; null stands for what must not, and for the beginning of the log.</summary>
    private static void AssertHas(JsonElement actual, JsonElement expected, string step)
    {
        foreach (var field in expected.EnumerateObject())
        {
            var isThere = actual.TryGetProperty(field.Name, out var value);
            if (field.Value.ValueKind == JsonValueKind.Null)
                Assert.False(isThere && !value.ToString().StartsWith("1970-01-01", StringComparison.Ordinal), $"{field.Name} is {value}. {step}");
            else
                Assert.True(isThere && JsonElement.DeepEquals(value, field.Value), $"{field.Name} is {value}. {step}");
        }
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }

    private sealed record Call(HttpContext Context, string Name, byte[] Body, TaskCompletionSource Done);
}
