using System.Net.WebSockets;
using System.Text;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.ShippedApp;

/// <summary>Whatever the stream does, the app ends with the whole history, once, in order, by REST.</summary>
public sealed class FallbackTests(Backend backend)
{
    private const int Events = 1_234;
    private const string Start = """{"type":"sync.stream.start","totalEvents":1234}""";

    public static TheoryData<string> Failures => [.. Scripts.Keys];

    private static Dictionary<string, Func<List<byte[]>, Func<WebSocket, CancellationToken, Task>?>> Scripts => new()
    {
        ["the stream is refused"] = _ => null,
        ["the connection is cut in the middle"] = events => async (socket, token) =>
        {
            await BadStreamServer.SendAsync(socket, Start, token);
            await BadStreamServer.SendAsync(socket, Batch(events.Take(600), 0), token);
            socket.Abort();
        },
        ["the server closes before complete"] = events => async (socket, token) =>
        {
            await BadStreamServer.SendAsync(socket, Start, token);
            await BadStreamServer.SendAsync(socket, Batch(events.Take(600), 0), token);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, token);
        },
        ["the server answers in text frames"] = events => async (socket, token) =>
        {
            await BadStreamServer.SendAsync(socket, Start, token, asText: true);
            await BadStreamServer.SendAsync(socket, Batch(events, 0), token, asText: true);
            await UntilGoneAsync(socket, token);
        },
        ["the server sends garbage"] = _ => (socket, token) => BadStreamServer.SendAsync(socket, "\u0000garbage{", token),
        ["a batch comes before start"] = events => (socket, token) => BadStreamServer.SendAsync(socket, Batch(events, 0), token),
        ["a count is no integer"] = _ => (socket, token) => BadStreamServer.SendAsync(socket, """{"type":"sync.stream.start","totalEvents":12.0}""", token),
        ["the server reports an error"] = _ => async (socket, token) =>
        {
            await BadStreamServer.SendAsync(socket, Start, token);
            await BadStreamServer.SendAsync(socket, """{"type":"sync.stream.error","error":"no","code":"DB_ERROR"}""", token);
        },
        ["the server stops talking"] = _ => async (socket, token) =>
        {
            await BadStreamServer.SendAsync(socket, Start, token);
            await UntilGoneAsync(socket, token);
        },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task The_app_falls_back_to_REST_when(string failure)
    {
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(Events);
        await using var bad = await BadStreamServer.StartAsync(Scripts[failure](pushed));
        var app = new ShippedAppClient(bad.StreamUrl, backend.Http, user.Token);

        var streamed = await app.SyncAsync(TestContext.Current.CancellationToken);

        Assert.False(streamed);
        Assert.Equal(pushed.Select(Encoding.UTF8.GetString), app.Applied);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_at_the_upgrade_and_nothing_is_served_by_REST_either()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(1);
        var app = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token + "x");

        var refused = await Assert.ThrowsAsync<WebSocketException>(() => app.StreamAsync(TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<HttpRequestException>(() => app.PullAsync(TestContext.Current.CancellationToken));

        Assert.Contains("401", refused.Message, StringComparison.Ordinal);
        Assert.Empty(app.Applied);
    }

    private static string Batch(IEnumerable<byte[]> events, int index)
        => $$"""{"type":"sync.stream.batch","batchIndex":{{index}},"isLast":false,"events":[{{string.Join(',', events.Select(Encoding.UTF8.GetString))}}]}""";

    private static async Task UntilGoneAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        try
        {
            await socket.ReceiveAsync(new byte[1], cancellationToken);
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException)
        {
        }
    }
}
