using System.Net;
using Dequeue.Client.Pulling;
using Dequeue.Client.Pushing;
using Dequeue.Client.Rest;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Client;

/// <summary>
/// Keeps a device's event store in step with the server. A pull streams; if anything in that way fails, REST pages carry on by
/// themselves from the last saved checkpoint, and nothing is lost or doubled.
/// </summary>
public sealed class SyncManager : IDisposable
{
    private readonly SyncOptions _options;
    private readonly IEventStore _store;
    private readonly TokenProvider _tokens;
    private readonly HttpClient _http;
    private readonly bool _ownsHttp;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _onePull = new(1, 1);

    /// <summary>Creates a client. It holds no connection until it is used.</summary>
    /// <param name="options">Server, app, time-outs.</param>
    /// <param name="store">Where events go.</param>
    /// <param name="tokens">Gives the bearer token; asked once a call, and once more after a 401.</param>
    /// <param name="http">For the REST calls; not disposed. Null: an own one, that honours the system's proxy.</param>
    /// <param name="time">The clock. Null: the system's.</param>
    /// <param name="logger">For fallbacks and reconnects. Null: none.</param>
    /// <param name="random">For the jitter. Null: a shared one.</param>
    public SyncManager(
        SyncOptions options, IEventStore store, TokenProvider tokens, HttpClient? http = null, TimeProvider? time = null,
        ILogger<SyncManager>? logger = null, Random? random = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(tokens);
        options.Validate();
        (_options, _store, _tokens) = (options, store, tokens);
        _ownsHttp = http is null;
        _http = http ?? OwnHttp(options);
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<SyncManager>.Instance;
        _random = random ?? Random.Shared;
    }

    /// <summary>
    /// Brings the store up to date. Pulls of one manager run one after the other.
    /// </summary>
    /// <param name="progress">Gets reports on the calling thread's flow, or null.</param>
    /// <param name="cancellationToken">Ends the pull at once; what was saved stays saved.</param>
    /// <exception cref="SyncFailedException">Stream and pages both failed. What arrived is saved.</exception>
    public async Task<SyncResult> PullAsync(IProgress<SyncProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        await _onePull.WaitAsync(cancellationToken);
        try
        {
            var credentials = new Credentials(_tokens);
            await using var run = new PullRun(
                _options, _store, Calls(credentials), credentials, _time, _random, _logger, new ProgressMeter(progress, _time));
            return await run.RunAsync(cancellationToken);
        }
        finally
        {
            _onePull.Release();
        }
    }

    /// <summary>
    /// Sends events now, in order. Ids make it idempotent: after a failure the same events can be pushed again.
    /// </summary>
    /// <param name="events">JSON objects in UTF-8, taken as they are needed.</param>
    /// <param name="progress">Gets reports, or null.</param>
    /// <param name="cancellationToken">Ends the push; what was acknowledged stays on the server.</param>
    /// <exception cref="SyncFailedException">The server could not be reached, or refused the call.</exception>
    public Task<PushResult> PushAsync(
        IEnumerable<ReadOnlyMemory<byte>> events, IProgress<SyncProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        return new PushRun(_options, Calls(new Credentials(_tokens)), _time, _random, new ProgressMeter(progress, _time)).RunAsync(events, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsHttp) _http.Dispose();
        _onePull.Dispose();
    }

    private RestCalls Calls(Credentials credentials) => new(_http, _options, credentials, _time);

    private static HttpClient OwnHttp(SyncOptions options)
        => new(new SocketsHttpHandler { Proxy = options.Proxy, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
}
