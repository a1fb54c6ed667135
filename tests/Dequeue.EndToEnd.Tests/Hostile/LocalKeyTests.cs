using System.Net;
using System.Net.WebSockets;
using System.Runtime.Versioning;
using System.Text;
using Dequeue.Cli.Serving;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.WebPubSub;
using Azure.Messaging.WebPubSub;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>What a server on one's own machine keeps to itself.</summary>
public sealed class LocalKeyTests : IDisposable
{
    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("dequeue-key-");

    public void Dispose() => _parent.Delete(recursive: true);

    [Fact]
    public async Task A_socket_with_a_token_of_the_emulators_public_key_is_refused()
    {
        var data = Path.Combine(_parent.FullName, "state");
        await using var backend = await LocalBackend.StartAsync(new BackendOptions { Port = 0, PubSubPort = 0, DataFolder = data }, TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = backend.Address };
        var token = Functions.Auth.DevTokens.Create(
            Encoding.UTF8.GetBytes(DataFolder.Open(data).DevSigningKey()), Contracts.UserId.Parse("ada"), Contracts.AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
        using var negotiate = new HttpRequestMessage(HttpMethod.Post, "/v1/sync/stream/negotiate");
        negotiate.Headers.Authorization = new("Bearer", token);
        using var answer = await http.SendAsync(negotiate, TestContext.Current.CancellationToken);
        var url = new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);

        foreach (var (key, isRight) in new[] { (WebPubSubServerOptions.DefaultAccessKey, false), (DataFolder.Open(data).WebPubSubKey(), true) })
        {
            var service = new WebPubSubServiceClient($"Endpoint=http://localhost:{url.Port};AccessKey={key};Version=1.0;", "sync");
            var forged = await service.GetClientAccessUriAsync(userId: "dequeue:ada", cancellationToken: TestContext.Current.CancellationToken);
            if (isRight) await (await RawStream.OpenAsync(forged)).DisposeAsync();
            else Assert.Contains("401", (await Assert.ThrowsAsync<WebSocketException>(() => RawStream.OpenAsync(forged))).Message);
        }
    }

    [Fact]
    public void Each_data_folder_has_a_key_of_its_own_which_stays()
    {
        var (first, second) = (DataFolder.Open(Path.Combine(_parent.FullName, "a")), DataFolder.Open(Path.Combine(_parent.FullName, "b")));
        Assert.NotEqual(first.WebPubSubKey(), second.WebPubSubKey());
        Assert.NotEqual(first.WebPubSubKey(), first.DevSigningKey());
        Assert.Equal(first.WebPubSubKey(), DataFolder.Open(first.Path).WebPubSubKey());
        Assert.True(first.WebPubSubKey().Length >= WebPubSubServerOptions.MinAccessKeyBytes);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task What_a_server_keeps_is_its_owners_alone_what_an_older_one_left_open_too()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        var old = Directory.CreateDirectory(Path.Combine(_parent.FullName, "old")).FullName;
        await using (await ServeAsync(old))
        {
        }

        foreach (var file in Directory.EnumerateFiles(old, "*.db")) File.SetUnixFileMode(file, (UnixFileMode)0b110_100_100);
        File.SetUnixFileMode(old, (UnixFileMode)0b111_101_101);
        foreach (var folder in new[] { old, Path.Combine(_parent.FullName, "new", "state") })
        {
            await using var backend = await ServeAsync(folder);
            Assert.Equal("700", Mode(folder));
            Assert.Contains(Directory.EnumerateFiles(folder), file => file.EndsWith("events.db-wal", StringComparison.Ordinal));
            foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)) Assert.Equal((file, "600"), (file, Mode(file)));
        }
    }

    [Fact]
    public async Task The_local_Web_PubSub_alone_has_the_public_key_and_says_so()
    {
        await using var pubSub = ChildProcess.Start("pubsub", "--port", "0", "--upstream", "http://localhost:1/webpubsub/events");
        Assert.Contains(WebPubSubServerOptions.DefaultAccessKey, Assert.Single(await pubSub.ReadLinesAsync(1)));
        await pubSub.WaitForErrorLineAsync("public");
    }

    private static async Task<LocalBackend> ServeAsync(string folder)
    {
        var backend = await LocalBackend.StartAsync(new BackendOptions { Port = 0, PubSubPort = 0, DataFolder = folder }, TestContext.Current.CancellationToken);
        var token = Functions.Auth.DevTokens.Create(
            Encoding.UTF8.GetBytes(DataFolder.Open(folder).DevSigningKey()), Contracts.UserId.Parse("ada"), Contracts.AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
        using var http = new HttpClient { BaseAddress = backend.Address };
        using var push = new HttpRequestMessage(HttpMethod.Post, "/v1/sync/push")
        {
            Content = new StringContent("""{"events":[{"id":"e","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}"""),
        };
        push.Headers.Authorization = new("Bearer", token);
        using var answer = await http.SendAsync(push, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return backend;
    }

    [UnsupportedOSPlatform("windows")]
    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);
}
