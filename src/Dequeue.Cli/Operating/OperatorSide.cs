using System.Collections.Frozen;
using System.Net.Http.Headers;
using System.Text.Json;
using Dequeue.Cli.Serving;
using Dequeue.Functions.Site;
using Dequeue.Functions.Telemetry;
using Dequeue.Storage;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;
using Dequeue.WebPubSub;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Cli.Operating;

/// <summary>
/// What who looks after a server may ask, with the operator's token: its metrics for Prometheus, its status, and a page that shows them.
/// Answers to this machine alone: <see cref="PublicSide"/> keeps these paths from everybody else.
/// </summary>
internal sealed class OperatorSide : IDisposable
{
    /// <summary>The metrics.</summary>
    public const string MetricsPath = "/metrics";

    /// <summary>The page, and what belongs to it.</summary>
    public const string PagePath = "/operator";

    /// <summary>How the project file names the page's files.</summary>
    private const string ResourcePrefix = "operator/";
    private const string StatusFile = "status";

    /// <summary>Marks what this process asks the functions.</summary>
    private const string OwnHeader = "x-dequeue-own";

    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

    /// <summary>The files of the clients' page that this one uses too.</summary>
    private static readonly string[] Shared = ["page.css", "plot.js", "format.js", "icon.svg"];

    private static readonly FrozenDictionary<string, (byte[] Content, string Type)> Files = ReadFiles();

    private readonly WebPubSubServer _pubSub;
    private readonly DataFolder _data;
    private readonly RecentLog _log;
    private readonly TimeProvider _clock;
    private readonly long _startedAt;
    private readonly OperatorToken _token;
    private readonly IPartitionedTable _table;
    private readonly StreamRegistry _streams;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10) };

    /// <summary>What a server's parts tell.</summary>
    /// <param name="pubSub">The clients.</param>
    /// <param name="data">The files, and the token.</param>
    /// <param name="storage">The event log's storage.</param>
    /// <param name="log">The last warnings and errors.</param>
    /// <param name="clock">The time.</param>
    public OperatorSide(WebPubSubServer pubSub, DataFolder data, string storage, RecentLog log, TimeProvider clock)
    {
        (_pubSub, _data, _log, _clock, _startedAt) = (pubSub, data, log, clock, clock.GetTimestamp());
        _token = new OperatorToken(data.OperatorToken());
        _table = EventLogStorage.Open(storage);
        _streams = new StreamRegistry(_table, clock);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", data.OperatorToken());
    }

    /// <summary>Where the functions answer, once they do.</summary>
    public Uri? Functions { get; set; }

    /// <summary>Asks the server that runs on a data folder how it is.</summary>
    /// <param name="data">The folder.</param>
    /// <param name="patience">How long its answer is awaited.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its answer; null when the folder has no note of a server.</returns>
    public static async Task<HttpResponseMessage?> AskAsync(DataFolder data, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (data.OperatorEndpoint is not { } endpoint) return null;
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = patience };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(endpoint), PagePath + "/" + StatusFile));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", data.OperatorToken());
        return await http.SendAsync(request, cancellationToken);
    }

    /// <summary>Whether a server runs on a data folder, and not only its note of one that was killed.</summary>
    public static async Task<bool> IsRunningAsync(DataFolder data, CancellationToken cancellationToken)
    {
        try
        {
            // No other answers this path to this token.
            using var answer = await AskAsync(data, TimeSpan.FromSeconds(5), cancellationToken);
            return answer is { IsSuccessStatusCode: true };
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>Puts it into a pipeline.</summary>
    public void Use(IApplicationBuilder app) => app.Use(AnswerAsync);

    public void Dispose()
    {
        _http.Dispose();
        (_table as IDisposable)?.Dispose();
    }

    private async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        var (request, response) = (context.Request, context.Response);
        var isMetrics = request.Path.Equals(MetricsPath, StringComparison.OrdinalIgnoreCase);

        // The functions' own metrics are asked for with the same path, by this process.
        if ((!isMetrics && !request.Path.StartsWithSegments(PagePath)) || Functions is null || request.Headers.ContainsKey(OwnHeader))
        {
            await next(context);
            return;
        }

        if (!HttpMethods.IsGet(request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        var name = isMetrics ? "" : request.Path.Value![PagePath.Length..].TrimStart('/');
        if (!isMetrics && name != StatusFile)
        {
            await FileAsync(response, name);
            return;
        }

        if (!_token.IsShownBy(request))
        {
            response.StatusCode = StatusCodes.Status401Unauthorized;
            response.Headers.WWWAuthenticate = "Bearer";
            return;
        }

        response.Headers.CacheControl = "no-store";
        if (isMetrics) await MetricsAsync(response, context.RequestAborted);
        else await StatusAsync(response, context.RequestAborted);
    }

    private static Task FileAsync(HttpResponse response, string name)
    {
        if (!Files.TryGetValue(name.Length == 0 ? "index.html" : name, out var file))
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        response.ContentType = file.Type;
        response.Headers.CacheControl = "no-cache";
        SiteContent.Protect(response.Headers, Policy);
        return response.Body.WriteAsync(file.Content).AsTask();
    }

    private async Task MetricsAsync(HttpResponse response, CancellationToken cancellationToken)
    {
        response.ContentType = PrometheusText.MediaType + "; version=0.0.4; charset=utf-8";
        await response.WriteAsync(await FunctionsMetricsAsync(cancellationToken) + OwnMetrics(await RunningAsync(cancellationToken)), cancellationToken);
    }

    private string OwnMetrics(int running)
        => PrometheusText.Gauge("dequeue_webpubsub_connections", "Clients of Web PubSub that are connected.", ("", _pubSub.ConnectionCount))
            + PrometheusText.Gauge("dequeue_streams_running", "Streams that run now.", ("", running))
            + PrometheusText.Gauge("dequeue_file_bytes", "Bytes of the server's files.", Sizes().Select(file => ($"{{file=\"{file.Key}\"}}", file.Value)))
            + PrometheusText.Gauge("dequeue_disk_free_bytes", "Free space of the data folder's disk.", ("", FreeBytes()))
            + PrometheusText.Gauge("dequeue_server_memory_bytes", "Working set of the server, without its worker.", ("", Environment.WorkingSet));

    private async Task StatusAsync(HttpResponse response, CancellationToken cancellationToken)
    {
        var metrics = await FunctionsMetricsAsync(cancellationToken);
        long Sum(string name, string? label = null) => (long)PrometheusText.Sum(metrics, name, label);
        var status = new ServerStatus(
            typeof(OperatorSide).Assembly.GetName().Version?.ToString(3) ?? "", _clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture),
            (long)_clock.GetElapsedTime(_startedAt).TotalSeconds, _pubSub.ConnectionCount,
            new StreamCounts(
                await RunningAsync(cancellationToken), Sum("dequeue_streams_started_total"), Sum("dequeue_streams_completed_total"),
                Sum("dequeue_streams_failed_total"), Sum("dequeue_streams_failed_total", "code=\"left\"")),
            Sum("dequeue_push_events_sum", "outcome=\"stored\""), Sum("dequeue_storage_calls_total", "outcome=\"failed\""),
            Environment.WorkingSet + Sum("dotnet_process_memory_working_set_bytes"), Sizes(), FreeBytes(), _log.Lines);
        response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(response.Body, status, OperatorJson.Default.ServerStatus, cancellationToken);
    }

    // What the functions do not tell just now is missing, and the rest is told.
    private async Task<string> FunctionsMetricsAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Functions!, MetricsPath));
            request.Headers.Add(OwnHeader, "1");
            request.Headers.Accept.ParseAdd(PrometheusText.MediaType);
            using var answer = await _http.SendAsync(request, cancellationToken);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync(cancellationToken) : "";
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return "";
        }
    }

    private async Task<int> RunningAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _streams.ListAsync(0, cancellationToken).CountAsync(static stream => stream.IsRunning, cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            return 0;
        }
    }

    private Dictionary<string, long> Sizes()
        => new[] { _data.Events, _data.Events + "-wal", _data.Durable, _data.Durable + "-wal" }.Select(static file => new FileInfo(file)).Where(static file => file.Exists)
            .ToDictionary(static file => file.Name, static file => file.Length);

    private long FreeBytes() => new DriveInfo(_data.Path).AvailableFreeSpace;

    private static FrozenDictionary<string, (byte[] Content, string Type)> ReadFiles()
    {
        var own = typeof(OperatorSide).Assembly;
        return own.GetManifestResourceNames().Where(static name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(name => (Name: name[ResourcePrefix.Length..], Stream: own.GetManifestResourceStream(name)!))
            .Concat(Shared.Select(static name => (Name: name, Stream: typeof(SiteFiles).Assembly.GetManifestResourceStream("page/" + name)!)))
            .ToFrozenDictionary(static file => file.Name, static file => (Bytes(file.Stream), SiteContent.MediaTypeOf(file.Name)), StringComparer.Ordinal);

        static byte[] Bytes(Stream stream)
        {
            using var all = new MemoryStream();
            using (stream) stream.CopyTo(all);
            return all.ToArray();
        }
    }
}
