using System.Globalization;
using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dequeue.SampleEvents;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Dequeue.Client.Tests.Servers;

/// <summary>
/// The server's side of the contract over real sockets, with a place to misbehave at every step. The log is a list; the event
/// at index i was committed at tick <see cref="At"/>(i).
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    public const string Token = "secret-token-of-the-user";
    private readonly WebApplication _app;
    private readonly Lock _lock = new();

    private TestServer(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    public List<byte[]> Log { get; } = [];

    /// <summary>Events of a batch.</summary>
    public int BatchSize { get; set; } = 100;

    /// <summary>Whether the server knows the digests call.</summary>
    public bool HasDigests { get; set; } = true;

    /// <summary>Events that pages brought.</summary>
    public int Paged { get; private set; }

    /// <summary>Answers a call instead of the server, by returning true.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    /// <summary>Takes the place of the well-behaved stream.</summary>
    public Func<StreamScript, Task>? Script { get; set; }

    /// <summary>Every call in order: <c>POST /path</c>, or <c>WS /path</c>.</summary>
    public IReadOnlyList<string> Calls => Copy(_calls);

    /// <summary>The <c>since</c> of every page and stream asked for.</summary>
    public IReadOnlyList<Checkpoint> Asked => Copy(_asked);

    private readonly List<StreamScript> _live = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _calls = [];
    private readonly List<Checkpoint> _asked = [];
    private int _openSockets;

    /// <summary>Waits until the server sees no WebSocket any more.</summary>
    public Task NoSocketsAsync() => UntilAsync(() => _openSockets == 0);

    /// <summary>Waits until so many streams have asked to stay open and are.</summary>
    public Task LiveAsync(int count) => UntilAsync(() => _live.Count == count);

    /// <summary>Waits until so many calls were made.</summary>
    public Task CalledAsync(string call, int times) => UntilAsync(() => Calls.Count(made => made == call) >= times);

    /// <summary>Commits events, and tells the live streams unless <paramref name="silently"/>.</summary>
    public async Task CommitAsync(IReadOnlyList<byte[]> events, bool silently = false)
    {
        int before;
        lock (_lock)
        {
            before = Log.Count;
            Log.AddRange(events);
        }

        if (!silently) await TellAsync(before, Log.Count);
    }

    /// <summary>Tells the live streams of a part of the log.</summary>
    public Task TellAsync(int from, int to)
        => TellAsync([.. LiveFrame.Prefix(from, At(to - 1)), .. Join(Log[from..to]), .. LiveFrame.Suffix]);

    /// <summary>Sends a message to the live streams.</summary>
    public async Task TellAsync(byte[] message)
    {
        List<StreamScript> live;
        lock (_lock) live = [.. _live];
        foreach (var script in live) await script.SendAsync(message);
    }

    /// <summary>Cuts every live connection.</summary>
    public void CutLive()
    {
        lock (_lock) _live.ForEach(script => script.Cut());
    }

    private async Task UntilAsync(Func<bool> holds)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (holds()) return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(Guard.Time);
        }
    }

    private List<T> Copy<T>(List<T> growing)
    {
        lock (_lock) return [.. growing];
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }

    public static async Task<TestServer> StartAsync(int events = 0, long seed = 1)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var server = new TestServer(app);
        server.Log.AddRange(new EventGenerator(new EventGeneratorOptions { Seed = seed }).Generate(events));
        app.UseWebSockets();
        app.Run(server.HandleAsync);
        await app.StartAsync();
        server.Address = new Uri(app.Urls.First());
        return server;
    }

    public static Checkpoint At(int index) => Checkpoint.FromTicks(new DateTime(2026, 3, 1, 0, 0, 0, DateTimeKind.Utc).Ticks + index * 1000L);

    public static int IndexAfter(Checkpoint since) => since < At(0) ? 0 : (int)((since.Ticks - At(0).Ticks) / 1000) + 1;

    public Checkpoint Head => Log.Count == 0 ? Checkpoint.Beginning : At(Log.Count - 1);

    public int Count(string call) => Calls.Count(made => made == call);

    public SyncOptions Options => new()
    {
        Server = Address,
        App = AppId.Parse("dequeue"),
        BaseDelay = TimeSpan.FromMilliseconds(1),
        MaxDelay = TimeSpan.FromMilliseconds(5),
    };

    public string Digest() => DigestOf(Log);

    public static string DigestOf(IEnumerable<byte[]> events)
    {
        using var digest = new EventDigest();
        foreach (var json in events) digest.Append(json);
        return digest.ToString();
    }

    /// <summary>A part of the log by reference.</summary>
    public PageReference Reference(int from, int to)
        => new($"{Address}blobs/{from}/{to}?sig=blob-secret", At(to - 1), to - from, DigestOf(Log[from..to]));

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Change(() => _calls.Add($"{(context.WebSockets.IsWebSocketRequest ? "WS" : context.Request.Method)} {path}"));
        if (Intercept is not null && await Intercept(context)) return;
        var isHub = path == "/client/hubs/sync";
        if (path.StartsWith("/blobs/", StringComparison.Ordinal))
        {
            await BlobAsync(context, path.Split('/'));
            return;
        }

        if (!isHub && context.Request.Headers.Authorization != $"Bearer {Token}" && context.Request.Query["token"] != Token)
        {
            await ProblemAsync(context, 401, ErrorCodes.Unauthorized);
            return;
        }

        if (isHub || path == "/v1/sync/stream") await StreamAsync(context);
        else if (path.EndsWith("/negotiate", StringComparison.Ordinal)) await NegotiateAsync(context);
        else if (path.EndsWith("/sync/pull", StringComparison.Ordinal)) await PullAsync(context);
        else if (HasDigests && path.EndsWith("/sync/digests", StringComparison.Ordinal)) await DigestsAsync(context);
        else if (path.EndsWith("/sync/push", StringComparison.Ordinal)) await PushAsync(context);
        else await ProblemAsync(context, 404, ErrorCodes.InvalidRequest);
    }

    public static async Task ProblemAsync(HttpContext context, int status, string code, string? retryAfter = null)
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null) context.Response.Headers.RetryAfter = retryAfter;
        await context.Response.WriteAsJsonAsync(new Problem("Refused", status, $"Refused with {status}.", code), RestJson.Default.Problem, Problem.MediaType);
    }

    private async Task NegotiateAsync(HttpContext context)
        => await context.Response.WriteAsync($$"""{"url":"ws://{{Address.Authority}}/client/hubs/sync?access_token=hub-secret","expiresAt":"2026-11-22T08:15:30Z"}""");

    private async Task PullAsync(HttpContext context)
    {
        using var body = await JsonDocument.ParseAsync(context.Request.Body);
        Assert.True(Checkpoint.TryParse(body.RootElement.GetProperty("since").GetString(), out var since));
        lock (_lock) _asked.Add(since);
        await WritePageAsync(context, since, body.RootElement.GetProperty("limit").GetInt32());
    }

    public async Task WritePageAsync(HttpContext context, Checkpoint since, int limit)
    {
        var from = IndexAfter(since);
        var to = Math.Min(Log.Count, from + limit);
        lock (_lock) Paged += to - from;
        using var page = new MemoryStream();
        page.Write(EventPageBody.Prefix);
        page.Write(Join(Log[from..to]));
        page.Write(EventPageBody.Suffix(to > from ? At(to - 1) : since, to < Log.Count));
        await context.Response.Body.WriteAsync(page.ToArray());
    }

    private async Task DigestsAsync(HttpContext context)
    {
        var request = (await JsonSerializer.DeserializeAsync(context.Request.Body, RestJson.Default.DigestsRequest))!;
        Assert.InRange(request.Checkpoints.Count, 1, DigestsRequest.MaxRanges);
        var (ranges, from) = (new List<RangeDigest>(), IndexAfter(request.Since ?? Checkpoint.Beginning));
        foreach (var until in request.Checkpoints)
        {
            var to = Math.Min(IndexAfter(until), Log.Count);
            Assert.InRange(to - from, 0, PageLimits.Max);
            ranges.Add(new RangeDigest(until, to - from, DigestOf(Log[from..to])));
            from = to;
        }

        await context.Response.WriteAsJsonAsync(new DigestsResponse(ranges), RestJson.Default.DigestsResponse);
    }

    private async Task BlobAsync(HttpContext context, string[] path)
    {
        if (context.Request.Headers.Authorization.Count > 0 || context.Request.Query["sig"] != "blob-secret")
        {
            context.Response.StatusCode = 403;
            return;
        }

        context.Response.Headers.ContentEncoding = "gzip";
        await using var gzip = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
        await gzip.WriteAsync((byte[])[(byte)'[', .. Join(Log[int.Parse(path[2], CultureInfo.InvariantCulture)..int.Parse(path[3], CultureInfo.InvariantCulture)]), (byte)']']);
    }

    private async Task PushAsync(HttpContext context)
    {
        var body = await JsonNode.ParseAsync(context.Request.Body);
        var events = body!["events"]!.AsArray();
        var known = Log.Select(json => (string)JsonNode.Parse(json)!["id"]!).ToHashSet();
        List<string> acknowledged = [], rejected = [], errors = [];
        foreach (var next in events)
        {
            if ((string?)next!["id"] is not { Length: > 0 } id)
            {
                rejected.Add("");
                errors.Add("An event has no id.");
                continue;
            }

            acknowledged.Add(id);
            if (known.Add(id)) Log.Add(Encoding.UTF8.GetBytes(next.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping })));
        }

        await context.Response.WriteAsJsonAsync(new PushResponse(acknowledged, rejected, errors), RestJson.Default.PushResponse);
    }

    private async Task StreamAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        Change(() => _openSockets++);
        StreamScript? live = null;
        try
        {
            var buffer = new byte[4096];
            var oneSend = new SemaphoreSlim(1, 1);
            while (socket.State == WebSocketState.Open)
            {
                // What is no request is an acknowledgement, or goodbye.
                var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
                if (StreamRequest.Read(buffer.AsSpan(0, received.Count)) is not StreamRequestReading.Accepted accepted) continue;
                lock (_lock) _asked.Add(accepted.Request.Since);
                var script = new StreamScript(this, socket, oneSend, context, accepted.Request);

                // Before the stream's end is fixed, as the server does it.
                if (live is null && accepted.Request.Live) Change(() => _live.Add(live = script));
                await (Script ?? (static script => script.BehaveAsync()))(script);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or Microsoft.AspNetCore.Connections.ConnectionAbortedException or IOException)
        {
            // The client, or the script, is gone.
        }
        finally
        {
            Change(() =>
            {
                _openSockets--;
                if (live is not null) _live.Remove(live);
            });
        }
    }

    public static byte[] Join(IEnumerable<byte[]> events)
    {
        using var joined = new MemoryStream();
        foreach (var json in events)
        {
            if (joined.Length > 0) joined.WriteByte((byte)',');
            joined.Write(json);
        }

        return joined.ToArray();
    }
}
