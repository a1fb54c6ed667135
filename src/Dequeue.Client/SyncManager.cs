using System.Net;
using System.Runtime.CompilerServices;
using Dequeue.Client.Live;
using Dequeue.Client.Pulling;
using Dequeue.Client.Pushing;
using Dequeue.Client.Rest;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Pushing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Client;

/// <summary>
/// Keeps a device's event store in step with the server. A pull streams; if anything in that way fails, REST pages carry on by
/// themselves from the last saved checkpoint, and nothing is lost or doubled.
/// </summary>
/// <remarks>
/// Every call goes on on a thread of the pool from its beginning: the caller's thread, a UI thread perhaps, does none of the work. The
/// store and the token provider are called there too. An <see cref="IProgress{T}"/> is called there; <see cref="Progress{T}"/> takes its
/// reports back to the thread that it was made on.
/// </remarks>
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
    private TaskCompletionSource _saved = NewSignal();

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
        ILogger? logger = null, Random? random = null)
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
        _logger = logger ?? NullLogger.Instance;
        _random = random ?? Random.Shared;
    }

    /// <summary>
    /// The device and the server were found to hold different histories: healed, because the server had been put back, or not, and then a
    /// call has failed with <see cref="SyncFailureKind.HistoryChanged"/>. Raised on a thread of the pool, before that call returns: a
    /// handler must not wait for another call of this manager.
    /// </summary>
    public event EventHandler<HistoryChange>? HistoryChanged;

    /// <summary>
    /// Forgets what the device holds, so that the next pull takes the server's log from its beginning: the answer to
    /// <see cref="SyncFailureKind.HistoryChanged"/>, for a person to choose. Events that were not sent yet are kept apart, in
    /// <see cref="GetRefusedAsync"/>: they were made for another log.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many events were not sent.</returns>
    /// <exception cref="InvalidOperationException">The store is no <see cref="ILogStore"/>.</exception>
    public async Task<long> BeginAnewAsync(CancellationToken cancellationToken = default)
    {
        var store = _store as ILogStore ?? throw new InvalidOperationException($"{_store.GetType().Name} is no {nameof(ILogStore)}: it cannot begin anew.");
        await LeaveCaller();
        await _onePull.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _oneFlush.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await store.BeginAnewAsync("It was made for a log that the device has left, and was not sent.", cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                _oneFlush.Release();
            }
        }
        finally
        {
            _onePull.Release();
        }
    }

    /// <summary>
    /// Brings the store up to date. Pulls of one manager run one after the other.
    /// </summary>
    /// <param name="progress">Gets reports, or null.</param>
    /// <param name="cancellationToken">Ends the pull at once; what was saved stays saved.</param>
    /// <exception cref="SyncFailedException">Stream and pages both failed. What arrived is saved. Or the store and the server's log are not one
    /// history: <see cref="SyncFailureKind.HistoryChanged"/>.</exception>
    public Task<SyncResult> PullAsync(IProgress<SyncProgress>? progress = null, CancellationToken cancellationToken = default)
        => PullAsync(_options, progress, null, null, cancellationToken);

    /// <summary>
    /// Sends events now, in order. Ids make it idempotent: after a failure the same events can be pushed again.
    /// </summary>
    /// <param name="events">JSON objects in UTF-8, taken as they are needed.</param>
    /// <param name="progress">Gets reports, or null. When the push fails the last one tells how many events the server has answered for.</param>
    /// <param name="cancellationToken">Ends the push; what was acknowledged stays on the server.</param>
    /// <exception cref="SyncFailedException">The server could not be reached, or refused the call.</exception>
    public async Task<PushResult> PushAsync(
        IEnumerable<ReadOnlyMemory<byte>> events, IProgress<SyncProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        await LeaveCaller();
        var call = await PushAsync(cancellationToken).ConfigureAwait(false);
        var run = new PushRun(call, new ProgressMeter(progress, _time));
        try
        {
            var result = await SyncDiagnostics.RunAsync("push", _time, () => run.RunAsync(events, cancellationToken)).ConfigureAwait(false);
            SyncDiagnostics.Answered(result.Acknowledged, result.Rejected.Count);
            return result;
        }
        catch (SyncFailedException e)
        {
            Notice(e.Failure);
            throw;
        }
    }

    /// <summary>
    /// Puts events into the store's queue, to be sent by <see cref="FlushAsync"/>, now or after the next start. They are held against
    /// <see cref="EventRules"/>, which are the server's.
    /// </summary>
    /// <param name="events">JSON objects in UTF-8. Their bytes must not change afterwards.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">One of them breaks a rule, which the message names; none is queued.</exception>
    /// <exception cref="InvalidOperationException">The store is no <see cref="IPushQueue"/>.</exception>
    public async ValueTask EnqueueAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(events);
        await LeaveCaller();
        await Queue.EnqueueAsync([.. events.Select(ReadEvent)], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The events that left the queue because the server will never take them, oldest first: for a person to look at.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The store is no <see cref="IPushQueue"/>.</exception>
    public async Task<IReadOnlyList<RefusedEvent>> GetRefusedAsync(CancellationToken cancellationToken = default)
    {
        await LeaveCaller();
        return await Queue.RefusedAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Forgets the refused events up to one of them.</summary>
    /// <param name="number">Its <see cref="RefusedEvent.Number"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">The store is no <see cref="IPushQueue"/>.</exception>
    public async Task ForgetRefusedAsync(long number, CancellationToken cancellationToken = default)
    {
        await LeaveCaller();
        await Queue.ForgetRefusedAsync(number, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Sends what waits in the store's queue, oldest first. Call it when the device is online again. What the server will never take
    /// leaves the queue too: it is in the result and in <see cref="GetRefusedAsync"/>, and is logged as a warning.
    /// </summary>
    /// <param name="progress">Gets reports, or null.</param>
    /// <param name="cancellationToken">Ends it; what was answered has left the queue.</param>
    /// <exception cref="InvalidOperationException">The store is no <see cref="IPushQueue"/>.</exception>
    public async Task<FlushResult> FlushAsync(IProgress<SyncProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var queue = Queue;
        await LeaveCaller();
        await _oneFlush.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var call = await PushAsync(cancellationToken).ConfigureAwait(false);
            var run = new FlushRun(queue, call, new ProgressMeter(progress, _time), _logger);
            var result = await SyncDiagnostics.RunAsync(
                "flush", _time, () => run.RunAsync(cancellationToken), static flushed => flushed.Failure).ConfigureAwait(false);
            SyncDiagnostics.Answered(result.Acknowledged, result.Rejected.Count);
            Notice(result.Failure);
            return result;
        }
        finally
        {
            _oneFlush.Release();
        }
    }

    /// <summary>
    /// Stays connected. Hands out every event that it saves, once: first what a pull brings, then what other devices push, as it is
    /// committed, in commit order. Reconnects and catches up by itself, without end; where no WebSocket can be had, it looks by REST.
    /// Only after a stream that turned out untrue and was taken back may events come again.
    /// </summary>
    /// <remarks>Saved is not handed out: what is saved when the caller leaves is in the store, and no later watch brings it. An app that
    /// must see every event gives its consumer a name. The loop must not pull with the same manager: it would wait for itself.</remarks>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SyncFailedException">The server refuses this user or app for good.</exception>
    /// <exception cref="SignedOutException">The token provider said so.</exception>
    public IAsyncEnumerable<SyncEvent> WatchAsync(CancellationToken cancellationToken = default)
        => new UnnamedConsumer(Live).RunAsync(cancellationToken);

    /// <summary>
    /// Stays connected, and hands out every event of the store to a named consumer, at least once, in the order saved: first what it has
    /// not had yet, whoever saved it and when, then what comes. Its cursor is kept in the store, and moves past an event only after the
    /// consumer has come back for the next one: an event in whose handling the app was left or fell comes again.
    /// </summary>
    /// <remarks>The cursor is written every tenth of a second, and when the consumer leaves: after a crash the events of that time come
    /// again. A name serves one loop at a time; a new name begins at the store's first event.</remarks>
    /// <param name="consumer">The name.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="SyncFailedException">The server refuses this user or app for good.</exception>
    /// <exception cref="SignedOutException">The token provider said so.</exception>
    /// <exception cref="InvalidOperationException">The store is no <see cref="IConsumerStore"/>.</exception>
    public IAsyncEnumerable<SyncEvent> WatchAsync(string consumer, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(consumer);
        var store = _store as IConsumerStore
            ?? throw new InvalidOperationException($"{_store.GetType().Name} is no {nameof(IConsumerStore)}: it keeps no cursors.");
        return new NamedConsumer(consumer, store, () => Live(null), () => Volatile.Read(ref _saved).Task, _time).RunAsync(cancellationToken);
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
        LiveStream? live, CancellationToken cancellationToken)
    {
        await LeaveCaller();
        await _onePull.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var credentials = new Credentials(live is null ? _tokens : LiveTokenAsync);
            var rest = new RestClient(_http, options, credentials, _time);
            var run = new PullRun(
                options, _store, rest, _http, credentials, _time, _random, _logger, new ProgressMeter(progress, _time), Added(onAdded), live);
            await using (run.ConfigureAwait(false))
                return Noticed(await SyncDiagnostics.RunAsync(live is null ? "pull" : "watch", _time, () => run.RunAsync(cancellationToken)).ConfigureAwait(false));
        }
        catch (SyncFailedException e)
        {
            Notice(e.Failure);
            throw;
        }
        finally
        {
            _onePull.Release();
        }
    }

    // What a watch runs behind its consumer.
    private LiveRun Live(Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask>? onAdded)
        => new(
            _options,
            (endpoint, stream, token) => PullAsync(_options with { Stream = endpoint, Priority = null }, null, onAdded, stream, token),
            (events, token) => SaveLiveAsync(events, Added(onAdded), token),
            _time, _random, _logger);

    // Not while a pull runs, which may take events back, or bring those that come before these.
    private async ValueTask<bool> SaveLiveAsync(
        LiveEvents live, Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask> onAdded, CancellationToken cancellationToken)
    {
        await _onePull.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var held = await _store.LoadAsync(cancellationToken).ConfigureAwait(false);
            if (held.Checkpoint < live.Since) return false;
            if (held.Checkpoint >= live.Checkpoint) return true;
            var kept = _options.Kept(live.Events, isFirstSync: false);
            var added = await _store.SaveMarkedAsync(kept, live.Checkpoint, live.Mark, cancellationToken).ConfigureAwait(false);
            if (added.Count > 0) await onAdded(added, cancellationToken).ConfigureAwait(false);
            return true;
        }
        finally
        {
            _onePull.Release();
        }
    }

    private Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask> Added(Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask>? onAdded)
        => (added, token) =>
        {
            SyncDiagnostics.Added(added.Count);
            Interlocked.Exchange(ref _saved, NewSignal()).TrySetResult();
            return onAdded?.Invoke(added, token) ?? ValueTask.CompletedTask;
        };

    // What its provider throws must not end a watch. Of a foreign exception the message stays out: it may hold a token.
    private async ValueTask<string> LiveTokenAsync(bool refused, CancellationToken cancellationToken)
    {
        try
        {
            return await _tokens(refused, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not SignedOutException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw new SyncFailedException(new SyncFailure(SyncFailureKind.NoToken, $"The token provider threw {e.GetType().Name}."));
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static ConfiguredTaskAwaitable LeaveCaller() => Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    private async ValueTask<PushCall> PushAsync(CancellationToken cancellationToken)
    {
        var log = await PushLog.OfAsync(_store, cancellationToken).ConfigureAwait(false);
        return new PushCall(new RestClient(_http, _options, new Credentials(_tokens), _time), RetryPolicy.Of(_options), _time, _random, log);
    }

    private SyncResult Noticed(SyncResult result)
    {
        if (result.PushedAgain is { } again) HistoryChanged?.Invoke(this, new HistoryChange(again, null));
        return result;
    }

    private void Notice(SyncFailure? failure)
    {
        if (failure is { Kind: SyncFailureKind.HistoryChanged }) HistoryChanged?.Invoke(this, new HistoryChange(null, failure));
    }

    private static SyncEvent ReadEvent(ReadOnlyMemory<byte> json, int index)
        => EventRules.Read(json, out var read) is { } rule ? throw new ArgumentException($"events[{index}] cannot be queued: {rule}", nameof(json)) : read;

    private static HttpClient OwnHttp(SyncOptions options)
        => new(new SocketsHttpHandler { Proxy = options.Proxy, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
}
