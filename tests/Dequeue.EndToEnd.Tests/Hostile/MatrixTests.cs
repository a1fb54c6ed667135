using System.Net;
using System.Net.WebSockets;
using System.Text;
using Dequeue.EndToEnd.Tests.Auth;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Functions.Upstream;
using Dequeue.Sync.Streaming;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>Every endpoint and every message, with every token that opens nothing: refused, and nothing has changed.</summary>
public sealed class MatrixTests : IAsyncLifetime
{
    private const string Secret = "ada-only";
    private const string Push = """{"events":[{"id":"forged","user_id":"ada","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}""";

    /// <summary>A message of each kind. One that is missing fails the tests.</summary>
    private static readonly Dictionary<SocketMessageKind, string> Messages = new()
    {
        [SocketMessageKind.Request] = """{"type":"sync.stream.request","live":true}""",
        [SocketMessageKind.Ack] = """{"type":"sync.stream.ack","batchIndex":0}""",
        [SocketMessageKind.Push] = Push,
        [SocketMessageKind.Unknown] = """{"type":"another"}""",
    };

    private LocalIssuer _issuer = null!;
    private OperationHost _host = null!;
    private SecurityKey _key = null!;
    private string _ada = "";
    private Uri _connectUrl = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _issuer = await LocalIssuer.StartAsync();
        _key = _issuer.NewRsaKey("k");
        _host = await OperationHost.StartAsync(
            ("Auth:DevSigningKey", null), ("Auth:Authority", _issuer.Address.AbsoluteUri), ("Auth:Audience", "sync-api"), ("Sync:Apps", "dequeue,notes"));
        _ada = Token();
        await OperationHost.UntilAsync(async () =>
        {
            using var answer = await _host.SendAsync(HttpMethod.Get, "/v1/sync/meta", _ada);
            return answer.StatusCode != HttpStatusCode.ServiceUnavailable;
        });
        using var pushed = await _host.SendAsync(HttpMethod.Post, "/v1/sync/push", _ada, Push.Replace("forged", Secret, StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, pushed.StatusCode);
        using var negotiated = await _host.SendAsync(HttpMethod.Post, "/v1/sync/stream/negotiate", _ada, "");
        _connectUrl = new Uri((await TestUser.JsonOf(negotiated)).GetProperty("url").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Fact]
    public void Every_endpoint_and_every_kind_of_message_has_a_row()
    {
        Assert.Equal(Door.Kinds.Keys.Order(StringComparer.Ordinal), Door.All.Select(door => door.Name).Order(StringComparer.Ordinal));
        Assert.Equal(Enum.GetValues<SocketMessageKind>().Order(), Messages.Keys.Order());
        Assert.Equal(11, Of(DoorKind.User).Count());
    }

    [Fact]
    public async Task No_bad_token_opens_a_call()
    {
        var tokens = BadTokens.ForCalls(_issuer, _key, _connectUrl);
        foreach (var door in Of(DoorKind.User))
        {
            foreach (var (name, token) in tokens)
            {
                var (status, text) = await CallAsync(door, "dequeue", token);
                Assert.Equal((door.Name, name, HttpStatusCode.Unauthorized), (door.Name, name, status));
                Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
            }
        }

        Assert.True(tokens.Count > 15);
        await NothingHasChangedAsync();
    }

    [Fact]
    public async Task Another_apps_token_is_403_and_another_users_sees_and_changes_nothing()
    {
        foreach (var door in Of(DoorKind.User))
        {
            Assert.Equal((door.Name, HttpStatusCode.Forbidden), (door.Name, (await CallAsync(door, "dequeue", Token(("app", "notes")))).Status));
            if (door.Route.Contains("{appId}", StringComparison.Ordinal))
            {
                Assert.Equal((door.Name, HttpStatusCode.Forbidden), (door.Name, (await CallAsync(door, "notes", Token(("app", "dequeue")))).Status));
                Assert.Equal((door.Name, HttpStatusCode.Forbidden), (door.Name, (await CallAsync(door, "absent", _ada)).Status));
            }

            foreach (var token in new[] { Token(("sub", "mallory")), Token(("sub", "ADA")), Token(("sub", "dequeue:ada")) })
            {
                var (status, text) = await CallAsync(door, "dequeue", token);
                Assert.Equal((door.Name, true), (door.Name, status is HttpStatusCode.OK or HttpStatusCode.BadRequest));
                Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
            }
        }

        await NothingHasChangedAsync();
    }

    [Fact]
    public async Task No_bad_token_opens_a_socket()
    {
        foreach (var (name, token) in BadTokens.ForSockets(_connectUrl, _ada))
        {
            var url = new UriBuilder(_connectUrl) { Query = token is null ? "" : "access_token=" + token }.Uri;
            var refused = await Assert.ThrowsAsync<WebSocketException>(async () => await (await RawStream.OpenAsync(url)).DisposeAsync());
            Assert.Contains($"{name}: 401", $"{name}: {refused.Message[(refused.Message.IndexOf('4', StringComparison.Ordinal) is >= 0 and var at ? at : 0)..]}", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task No_event_without_the_services_proof_does_anything()
    {
        string[] types = ["azure.webpubsub.sys.connect", "azure.webpubsub.sys.connected", "azure.webpubsub.sys.disconnected"];
        var events = types.Select(type => (Type: type, Body: "{}")).Concat(Messages.Values.Select(body => (Type: "azure.webpubsub.user.message", Body: body)));
        await using var open = await RawStream.OpenAsync(_connectUrl, subprotocol: "json.webpubsub.azure.v1");
        var connection = (await open.ReceiveAsync()).Message.GetProperty("connectionId").GetString()!;
        foreach (var (type, body) in events)
        {
            foreach (var (name, key, token) in new (string, string?, string?)[]
            {
                ("none", null, null), ("empty key", "", null), ("another key", "another-access-key-0123456789abcdef", null), ("the user's token", null, _ada),
                ("the socket's token", null, _connectUrl.Query["?access_token=".Length..]), ("the key as a token", null, Backend.AccessKey),
            })
            {
                using var answer = await new SignedEvent(OperationHost.Log("ada"), connection, body) { Type = type, Key = key, Token = token }.SendAsync(_host.Http);
                Assert.Equal((type, name, HttpStatusCode.Unauthorized), (type, name, answer.StatusCode));
            }
        }

        await NothingHasChangedAsync();
        Assert.False(await _host.Services.GetRequiredService<StreamRegistry>().ListAsync(0, Cancel).AnyAsync(Cancel));
    }

    [Fact]
    public async Task No_message_of_another_user_sees_or_changes_anything()
    {
        using var negotiated = await _host.SendAsync(HttpMethod.Post, "/v1/sync/stream/negotiate", Token(("sub", "mallory")), "");
        await using var mallory = await RawStream.OpenAsync(new Uri((await TestUser.JsonOf(negotiated)).GetProperty("url").GetString()!));
        var seen = new StringBuilder();
        foreach (var (kind, message) in Messages.OrderBy(message => message.Key == SocketMessageKind.Request))
        {
            await mallory.SendAsync(message);
            if (kind is SocketMessageKind.Ack) continue;
            seen.Append((await mallory.ReceiveAsync()).Message.GetRawText());
        }

        while (!seen.ToString().Contains("sync.stream.complete", StringComparison.Ordinal)) seen.Append((await mallory.ReceiveAsync()).Message.GetRawText());
        Assert.Contains("\"rejected\":[\"forged\"]", seen.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"totalEvents\":0", seen.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, seen.ToString(), StringComparison.Ordinal);
        await NothingHasChangedAsync();
    }

    [Fact]
    public async Task What_is_public_has_nothing_of_anybody()
    {
        foreach (var door in Of(DoorKind.Public))
        {
            var file = door.Name == "PageClientFile" ? "index.js" : "page.css";
            var route = door.Route.Contains("ignored", StringComparison.Ordinal) ? "" : door.Route.Replace("{name}", file, StringComparison.Ordinal);
            var (status, text) = await CallAsync(door with { Route = route }, "dequeue", null);
            Assert.Equal((door.Name, true), (door.Name, status is HttpStatusCode.OK or HttpStatusCode.NoContent or HttpStatusCode.UpgradeRequired));
            Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<Door> Of(DoorKind kind) => Door.All.Where(door => Door.Kinds.GetValueOrDefault(door.Name, DoorKind.User) == kind);

    private string Token(params (string, object?)[] claims) => _issuer.Token(_key, SecurityAlgorithms.RsaSha256, TimeProvider.System.GetUtcNow(), null, claims);

    private async Task<(HttpStatusCode Status, string Text)> CallAsync(Door door, string app, string? token)
    {
        using var request = new HttpRequestMessage(door.Method, door.Path(app));
        if (door.Method == HttpMethod.Post) request.Content = new StringContent(door.Name.StartsWith("Push", StringComparison.Ordinal) ? Push : "{}", Encoding.UTF8, "application/json");
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        using var answer = await _host.Http.SendAsync(request, Cancel);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel));
    }

    private async Task NothingHasChangedAsync()
    {
        using var page = await _host.SendAsync(HttpMethod.Get, "/v1/sync/events", _ada);
        Assert.Equal(Secret, Assert.Single((await TestUser.JsonOf(page)).GetProperty("events").EnumerateArray()).GetProperty("id").GetString());
    }
}
