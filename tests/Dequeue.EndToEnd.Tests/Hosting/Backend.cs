using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Dequeue.SampleEvents;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Functions.Auth;
using Microsoft.Extensions.Logging;

[assembly: AssemblyFixture(typeof(Backend))]

namespace Dequeue.EndToEnd.Tests.Hosting;

/// <summary>One whole backend on free ports for all tests; each test uses a user of its own.</summary>
public sealed class Backend : IAsyncLifetime
{
    /// <summary>The emulator's public access key, which an <see cref="Operation.OperationHost"/> has.</summary>
    public const string AccessKey = WebPubSub.WebPubSubServerOptions.DefaultAccessKey;

    private static int _users;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-e2e-");
    private LocalBackend? _backend;

    public Uri Address => _backend!.Address;

    /// <summary>Where it answers to this machine alone, when it has a public side.</summary>
    public Uri LocalAddress => _backend!.LocalAddress;

    /// <summary>The folder of its data.</summary>
    public string Folder => _folder.FullName;

    public HttpClient Http { get; } = new() { Timeout = Guard.Time };

    /// <summary>The access key of its Web PubSub, for tests that speak as that does.</summary>
    public string WebPubSubKey => DataFolder.Open(_folder.FullName).WebPubSubKey();

    private byte[] Key => Encoding.UTF8.GetBytes(DataFolder.Open(_folder.FullName).DevSigningKey());

    // Starting everything is itself under test: no retries, no fixed ports.
    public ValueTask InitializeAsync()
        => StartAsync(this, new Dictionary<string, string?> { ["Sync:Apps"] = "dequeue,other.app", ["Limits:CallsPerSecond"] = "2000" });

    /// <summary>One more backend, with settings of its own.</summary>
    /// <param name="settings">They go before the usual ones.</param>
    /// <param name="storage">Its <c>EventLog__Storage</c>; null for SQLite.</param>
    /// <param name="side">How others reach it; null for nobody else.</param>
    public static async Task<Backend> StartAsync(IReadOnlyDictionary<string, string?> settings, string? storage = null, PublicSide? side = null)
    {
        var backend = new Backend();
        await StartAsync(backend, settings, storage, side);
        return backend;
    }

    private static async ValueTask StartAsync(Backend backend, IReadOnlyDictionary<string, string?> settings, string? storage = null, PublicSide? side = null)
    {
        backend._backend = await LocalBackend.StartAsync(
            new BackendOptions
            {
                Port = 0,
                PubSubPort = 0,
                DataFolder = backend._folder.FullName,
                Storage = storage,
                PublicSide = side,
                LogLevel = LogLevel.Warning,
                Settings = settings,
            },
            CancellationToken.None);
        backend.Http.BaseAddress = backend.Address;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_backend is not null) await _backend.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>A user that no other test knows.</summary>
    public TestUser NewUser(string app = "dequeue")
    {
        var user = UserId.Parse($"user-{Environment.ProcessId}-{Interlocked.Increment(ref _users)}");
        return new TestUser(this, user, Token(user, app, TimeSpan.FromHours(1)));
    }

    public string Token(UserId user, string app, TimeSpan life, byte[]? key = null)
        => DevTokens.Create(key ?? Key, user, AppId.Parse(app), TimeProvider.System.GetUtcNow(), life);
}

/// <summary>A user with a token.</summary>
public sealed record TestUser(Backend Backend, UserId Id, string Token)
{
    public List<byte[]> Generate(int count, long seed = 1)
        => [.. new EventGenerator(new EventGeneratorOptions { Seed = seed, UserId = Id.Value }).Generate(count)];

    /// <summary>Pushes a made-up history in full bodies.</summary>
    public async Task<List<byte[]>> PushHistoryAsync(int count, long seed = 1)
    {
        var events = Generate(count, seed);
        foreach (var chunk in events.Chunk(1000))
        {
            using var answer = await PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', chunk.Select(Encoding.UTF8.GetString))}}]}""");
            Assert.Equal(chunk.Length, (await JsonOf(answer)).GetProperty("acknowledged").GetArrayLength());
        }

        return events;
    }

    public Task<HttpResponseMessage> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, new StringContent(body, Encoding.UTF8, "application/json"));

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return await Backend.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async Task<JsonElement> MetaAsync()
    {
        using var answer = await GetAsync("/v1/sync/meta");
        return await JsonOf(answer);
    }

    public static async Task<JsonElement> JsonOf(HttpResponseMessage answer)
        => await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

    public Uri StreamUrl => new UriBuilder(new Uri(Backend.Address, "/v1/sync/stream")) { Scheme = "ws" }.Uri;
}
