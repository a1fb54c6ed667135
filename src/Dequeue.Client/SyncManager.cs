using System.Net;
using System.Text.Json;
using Dequeue.Client.Live;
using Dequeue.Client.Pulling;
using Dequeue.Client.Pushing;
using Dequeue.Client.Rest;
using Dequeue.Contracts.Events;
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
    private readonly SemaphoreSlim _oneFlush = new(1, 1);

    /// <summary>Creates a client. It holds no connection until it is used.</summary>
    /// <param name="options">Server, app, time-outs.</param>
    /// <param name="store">Where events go.</param>
    /// <param name="tokens">Gives the bearer token; asked once a call, and once more after a 401.</param>
    /// <param name="http">For the REST calls, and pages by reference; not disposed. Null: an own one, that honours the system's proxy.</param>
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
        if (options.References && http?.DefaultRequestHeaders.Authorization is not null)
            throw new ArgumentException("With References the HttpClient must not send an Authorization of its own: it would go to other hosts.", nameof(http));
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
    public Task<SyncResult> PullAsync(IProgress<SyncProgress>? progress = null, CancellationToken cancellationToken = default)
        => PullAsync(_options, progress, null, cancellationToken);

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
        return new PushRun(Push(), new ProgressMeter(progress, _time)).RunAsync(events, cancellationToken);
    }

    /// <summary>Puts events into the store's queue, to be sent by <see cref="FlushAsync"/>, now or after the next start.</summary>
    /// <param name="events">JSON objects in UTF-8, each with an <c>id</c>. Their bytes must not change afterwards.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">One of them is no such object; none is queued.</exception>
    /// <exception cref="InvalidOperationException">The store is no <see cref="IPushQueue"/>.</exception>
    public ValueTask EnqueueAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        return Queue.EnqueueAsync([.. events.Select(ReadEvent)], cancellationToken);
    }

    /// <summary>Sends what waits in the store's queue, oldest first. Call it when the device is online again.</summary>
    /// <param name="progress">Gets reports, or null.</param>
    /// <param name="cancellationToken">Ends it; what was answered has left the queue.</param>
    /// <exception cref="InvalidOperationException">The store is no <see cref="IPushQueue"/>.</exception>
    public async Task<FlushResult> FlushAsync(IProgress<SyncProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var queue = Queue;
        await _oneFlush.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await new FlushRun(queue, Push(), new ProgressMeter(progress, _time)).RunAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _oneFlush.Release();
        }
    }

    /// <summary>
    /// Stays connected. Hands out every event that the store did not have, once, after it is saved: first what a pull brings,
    /// then what other devices push, as it is committed. Reconnects and catches up by itself, without end. Only after a stream
    /// that turned out untrue and was taken back may events come again.
    /// </summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SyncFailedException">The server refuses this user or app for good.</exception>
    /// <exception cref="InvalidOperationException"><see cref="SyncOptions.App"/> is not set.</exception>
    public IAsyncEnumerable<SyncEvent> WatchAsync(CancellationToken cancellationToken = default)
    {
        if (_options.App is null) throw new InvalidOperationException("Watching needs SyncOptions.App: the live socket has no /v1 form.");
        return new LiveRun(_options, _tokens, PullBy, SaveLiveAsync, _time, _random, _logger).RunAsync(cancellationToken);

        Pull PullBy(StreamEndpoint endpoint)
            => (onAdded, token) => PullAsync(_options with { Stream = endpoint, Priority = null, References = false }, null, onAdded, token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsHttp) _http.Dispose();
        _onePull.Dispose();
        _oneFlush.Dispose();
    }

    private IPushQueue Queue
        => _store as IPushQueue ?? throw new InvalidOperationException($"{_store.GetType().Name} is no {nameof(IPushQueue)}: push with {nameof(PushAsync)}.");

    private async Task<SyncResult> PullAsync(
        SyncOptions options, IProgress<SyncProgress>? progress, Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask>? onAdded,
        CancellationToken cancellationToken)
    {
        await _onePull.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var credentials = new Credentials(_tokens);
            var rest = new RestCalls(_http, options, credentials, _time);
            var run = new PullRun(
                options, _store, rest, _http, credentials, _time, _random, _logger, new ProgressMeter(progress, _time), onAdded);
            await using (run.ConfigureAwait(false)) return await run.RunAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _onePull.Release();
        }
    }

    // Not while a pull runs, which may take events back.
    private async ValueTask<bool> SaveLiveAsync(SyncEvent next, CancellationToken cancellationToken)
    {
        await _onePull.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return (await _store.SaveAsync([next], null, cancellationToken).ConfigureAwait(false)).Count == 1;
        }
        finally
        {
            _onePull.Release();
        }
    }

    private PushCall Push()
        => new(new RestCalls(_http, _options, new Credentials(_tokens), _time), RetryPolicy.Of(_options), _time, _random);

    private static SyncEvent ReadEvent(ReadOnlyMemory<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json.Span);
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                var read = new SyncEventReader().ReadObject(ref reader, json);
                reader.Read();
                if (read.Id is not null) return read;
            }
        }
        catch (JsonException e)
        {
            throw new ArgumentException("An event is not valid JSON.", nameof(json), e);
        }

        throw new ArgumentException("An event is a JSON object with an id.", nameof(json));
    }

    private static HttpClient OwnHttp(SyncOptions options)
        => new(new SocketsHttpHandler { Proxy = options.Proxy, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
}
