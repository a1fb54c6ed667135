using System.Net.WebSockets;
using Dequeue.Client.Live;
using Dequeue.Client.Pushing;
using Dequeue.Client.References;
using Dequeue.Client.Rest;
using Dequeue.Client.Streaming;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;
using Microsoft.Extensions.Logging;

namespace Dequeue.Client.Pulling;

/// <summary>Carries out what <see cref="PullMachine"/> decides, once.</summary>
internal sealed class PullRun(
    SyncOptions options,
    IEventStore store,
    RestClient rest,
    HttpClient http,
    Credentials credentials,
    TimeProvider time,
    Random random,
    ILogger logger,
    ProgressMeter meter,
    Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask>? onAdded = null,
    LiveStream? live = null) : IAsyncDisposable
{
    private static readonly PullInput.Done Done = new(), DoneLate = new(AcknowledgesLate: true);
    private readonly RetryPolicy _retry = RetryPolicy.Of(options);
    private readonly StreamMessageReader _reader = new();
    private readonly ILogStore? _logStore = store as ILogStore;
    private readonly IPushQueue? _queue = store as IPushQueue;
    private StreamLedger? _ledger = options.VerifyDigest ? new StreamLedger() : null;
    private readonly HashSet<string> _early = new(StringComparer.Ordinal);
    private DeltaDecoder? _deltas;
    private StreamConnection? _connection;
    private long _acknowledgedAt;
    private ReferencedPages? _pages;
    private bool _firstSync;
    private double? _readySeconds;
    private long _bytes, _added;
    private StreamMessage.Complete? _complete;
    private long _sent;

    public async Task<SyncResult> RunAsync(CancellationToken cancellationToken)
    {
        var origin = await store.LoadAsync(cancellationToken).ConfigureAwait(false);
        _firstSync = options.IsFirstSync ?? origin.Checkpoint <= Checkpoint.Beginning;
        LogMark? mark = _logStore is null ? null : await _logStore.LoadMarkAsync(cancellationToken).ConfigureAwait(false);

        // What was acknowledged by now is in what this pull brings, if the server has not lost it.
        if (_queue is not null && await _queue.SentAsync(cancellationToken).ConfigureAwait(false) is { Count: > 0 } sent) _sent = sent[^1].Number;
        var terms = PullTerms.Of(options);
        if (terms.Endpoint != StreamEndpoint.None) _connection = live?.Lend();

        // The request goes over the connection that is open already.
        if (_connection is not null) terms = terms with { Endpoint = StreamEndpoint.Gateway };
        var (state, command) = PullMachine.Begin(origin, terms, mark);
        Report(SyncPhase.Connecting, state);
        while (true)
        {
            switch (command)
            {
                case PullCommand.Finish:
                    Report(SyncPhase.Completed, state with { Total = state.Processed });
                    var requeued = _sent == 0 ? 0
                        : await _queue!.SettleAsync(_sent, requeue: options.Filter == EventFilter.Mirror, cancellationToken).ConfigureAwait(false);
                    if (live is not null && _connection is not null && _complete is { Position: { } position } end)
                    {
                        live.TakeBack(_connection, position, end.NewCheckpoint, state.KnowsLog ? state.Epoch : null);
                        _connection = null;
                    }

                    return new SyncResult(
                        state.Transport, state.Processed, _added, meter.Seconds, _bytes, state.Position, state.StreamFailure, state.DigestVerified,
                        _readySeconds, state.Repaired, state.Resumes, state.History, state.PushedAgain, requeued);
                case PullCommand.Fail fail:
                    throw new SyncFailedException(fail.Failure);
            }

            var input = await ExecuteAsync(state, command, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            var before = state;
            (state, command) = PullMachine.Next(state, input, _retry, random.NextDouble());
            if (state.OnRest && !before.OnRest) await GiveUpStreamAsync(state).ConfigureAwait(false);
            if (state.Resumes > before.Resumes) await ResumeStreamAsync(state).ConfigureAwait(false);
            if (state.IsReady && !before.IsReady) _readySeconds = meter.Seconds;
            Report(state.IsReady && !before.IsReady ? SyncPhase.Ready : PhaseOf(state), state);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync().ConfigureAwait(false);
        if (_pages is not null) await _pages.DisposeAsync().ConfigureAwait(false);
        if (_ledger is not null) await _ledger.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<PullInput> ExecuteAsync(PullState state, PullCommand command, CancellationToken cancellationToken)
    {
        switch (command)
        {
            case PullCommand.Receive receive:
                return await ReceiveAsync(receive.Acknowledge, cancellationToken).ConfigureAwait(false);
            case PullCommand.Save save when state.Phase == PullPhase.SavingBatch:
                await SaveBatchAsync(state, save, cancellationToken).ConfigureAwait(false);
                return time.GetElapsedTime(_acknowledgedAt) >= StreamWindows.AckInterval ? DoneLate : Done;
            case PullCommand.Save save:
                await SaveAsync(options.Kept(save.Events, _firstSync), save.Checkpoint, state.SavingMark, cancellationToken).ConfigureAwait(false);
                return Done;
            case PullCommand.FetchReference fetch:
                return await FetchReferenceAsync(fetch, cancellationToken).ConfigureAwait(false);
            case PullCommand.FetchRange fetch:
                return await FetchRangeAsync(fetch, cancellationToken).ConfigureAwait(false);
            case PullCommand.Repair:
                return await RepairAsync(cancellationToken).ConfigureAwait(false);
            case PullCommand.Negotiate:
                return await NegotiateAsync(cancellationToken).ConfigureAwait(false);
            case PullCommand.Open open:
                return await OpenAsync(state, open, cancellationToken).ConfigureAwait(false);
            case PullCommand.FetchPage fetch:
                return await FetchAsync(fetch.Since, state.Claim, cancellationToken).ConfigureAwait(false);
            case PullCommand.Heal:
                return await HealAsync(state, cancellationToken).ConfigureAwait(false);
            case PullCommand.Rewind rewind:
                await store.RewindAsync(rewind.Position, cancellationToken).ConfigureAwait(false);
                _early.Clear();
                _added = 0;
                return Done;
            case PullCommand.Wait wait:
                await Task.Delay(wait.Delay, time, cancellationToken).ConfigureAwait(false);
                return Done;
            default:
                throw new InvalidOperationException($"{command.GetType().Name} is not carried out here.");
        }
    }

    private async ValueTask SaveBatchAsync(PullState state, PullCommand.Save save, CancellationToken cancellationToken)
    {
        if (_ledger is not null) await _ledger.HashAsync(save.Events).ConfigureAwait(false);
        var (first, kept) = (state.Origin.Events + _added, options.Kept(save.Events, _firstSync));
        var added = await SaveAsync(kept, save.Checkpoint, state.SavingMark, cancellationToken).ConfigureAwait(false);
        _ledger?.Saved(state.Position, save.Checkpoint ?? state.Position, save.Events, first, added, added == kept.Count);

        // What came first comes again with the pages, if the stream does not last.
        if (state.Terms.Priority && !state.IsInOrder) _early.UnionWith(kept.Select(static next => next.Id!));
    }

    private async ValueTask<int> SaveAsync(IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, LogMark mark, CancellationToken cancellationToken)
    {
        var added = await store.SaveMarkedAsync(events, checkpoint, mark, cancellationToken).ConfigureAwait(false);
        _added += added.Count;
        if (onAdded is not null && added.Count > 0) await onAdded(added, cancellationToken).ConfigureAwait(false);
        return added.Count;
    }

    private async Task<PullInput> RepairAsync(CancellationToken cancellationToken)
    {
        if (_ledger!.Parts is not { } parts) return new PullInput.Failed(new SyncFailure(SyncFailureKind.BadAnswer, "The stream has too many parts to compare."));
        var repair = new RepairRun(rest, store, events => options.Kept(events, _firstSync), _retry, time, random);
        var result = await repair.RunAsync(parts, cancellationToken).ConfigureAwait(false);
        _bytes += repair.Bytes;
        _added += repair.Added.Count - repair.Removed;
        if (onAdded is not null && repair.Added.Count > 0) await onAdded(repair.Added, cancellationToken).ConfigureAwait(false);
        return result;
    }

    private async Task<PullInput> HealAsync(PullState state, CancellationToken cancellationToken)
    {
        var log = new PushLog(_logStore!, state.Epoch);
        var heal = new HealRun(rest, _logStore!, _queue, state.Epoch!, new PushCall(rest, _retry, time, random, log), _retry, time, random);
        var result = await heal.RunAsync(cancellationToken).ConfigureAwait(false);
        _bytes += heal.Bytes;
        if (result is not PullInput.Healed) return result;

        // All of it comes again from there on, the device's own events too.
        (_firstSync, _added) = (true, 0);
        _early.Clear();
        if (_ledger is null) return result;
        await _ledger.DisposeAsync().ConfigureAwait(false);
        _ledger = new StreamLedger();
        return result;
    }

    private async Task<PullInput> NegotiateAsync(CancellationToken cancellationToken)
    {
        switch (await rest.NegotiateAsync(cancellationToken).ConfigureAwait(false))
        {
            case RestAnswer<Contracts.Rest.NegotiateResponse>.Ok { Body: { Url: var url, Epoch: var epoch } }
                when Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "ws" or "wss":
                return new PullInput.Negotiated(address, epoch);
            case RestAnswer<Contracts.Rest.NegotiateResponse>.Failed failed:
                return new PullInput.Failed(failed.Failure);
            default:
                return new PullInput.Failed(new SyncFailure(SyncFailureKind.BadAnswer, "Negotiate did not answer with a WebSocket URL."));
        }
    }

    private async Task<PullInput> OpenAsync(PullState state, PullCommand.Open open, CancellationToken cancellationToken)
    {
        var terms = state.Terms;
        SyncFailure? failure = null;
        if (_connection is null)
        {
            (_connection, failure) = await StreamConnection.OpenAsync(
                open.Url ?? options.WebSocketAddress("/v1/sync/stream"), open.Url is null ? credentials : null,
                live is null ? ConnectionKind.Stream : ConnectionKind.Live, options, time, cancellationToken).ConfigureAwait(false);
        }

        _deltas = options.Delta ? new DeltaDecoder(options.MaxMessageBytes) : null;
        _acknowledgedAt = time.GetTimestamp();
        failure ??= await _connection!.SendAsync(
            (options.Request(open.Since, terms.Window, terms.Priority) with { Live = live is not null, Claim = state.Claim }).ToUtf8Bytes(), MessageType, cancellationToken)
            .ConfigureAwait(false);
        return failure is null ? new PullInput.Opened() : new PullInput.Failed(failure);
    }

    private async ValueTask<PullInput> ReceiveAsync(int? acknowledge, CancellationToken cancellationToken)
    {
        // Not being able to acknowledge ends nothing: what came before may be all there is, and else the next message tells.
        if (acknowledge is { } taken)
        {
            _acknowledgedAt = time.GetTimestamp();
            _ = await _connection!.SendAsync(new StreamAck(taken).ToUtf8Bytes(), MessageType, cancellationToken).ConfigureAwait(false);
        }

        StreamMessage? message;
        string? problem;
        int wireBytes;
        do
        {
            var received = await _connection!.ReceiveAsync(cancellationToken).ConfigureAwait(false);
            if (received.Failure is not null) return new PullInput.Failed(received.Failure);
            wireBytes = received.WireBytes;
            _bytes += wireBytes;
            message = _reader.Read(received.Message, out problem);
        }
        while (message is StreamMessage.Live early && live?.Keep(early) == true);

        // Nobody asked for it, or it is too much.
        if (message is StreamMessage.Live) message = new StreamMessage.Unknown(StreamMessage.Live.Type);
        if (message is StreamMessage.Complete complete) _complete = complete;
        if (_deltas is not null && message is StreamMessage.Batch patched) message = _deltas.Rebuild(patched, out problem);
        if (message is null) return new PullInput.Failed(new SyncFailure(SyncFailureKind.BadAnswer, problem!));
        var digest = message is StreamMessage.Complete && _ledger is not null ? await _ledger.DigestAsync().ConfigureAwait(false) : null;
        return new PullInput.Message(message, digest, wireBytes, message is StreamMessage.Batch batch ? Known(batch.Events) : 0);
    }

    private async Task<PullInput> FetchReferenceAsync(PullCommand.FetchReference fetch, CancellationToken cancellationToken)
    {
        if (fetch.Place == 0)
        {
            if (_pages is not null) await _pages.DisposeAsync().ConfigureAwait(false);
            _pages = new ReferencedPages(fetch.Pages, (page, token) => ReferencedPage.FetchAsync(http, page, options, time, token));
        }

        var page = await _pages!.NextAsync(cancellationToken).ConfigureAwait(false);
        _bytes += page.Bytes;
        return page.Failure is null ? new PullInput.Referenced(page.Events, page.Digest, Known(page.Events)) : new PullInput.Failed(page.Failure);
    }

    private async Task<PullInput> FetchRangeAsync(PullCommand.FetchRange fetch, CancellationToken cancellationToken)
    {
        switch (await rest.RangeAsync(fetch.Since, fetch.Count, cancellationToken).ConfigureAwait(false))
        {
            case RestAnswer<IReadOnlyList<SyncEvent>>.Ok ok:
                _bytes += ok.Bytes;
                return new PullInput.Referenced(ok.Body, EventDigest.Of(ok.Body), Known(ok.Body));
            case RestAnswer<IReadOnlyList<SyncEvent>>.Failed failed:
                return new PullInput.Failed(failed.Failure);
            default:
                throw new InvalidOperationException("A third kind of answer.");
        }
    }

    private async Task<PullInput> FetchAsync(Checkpoint since, HistoryClaim claim, CancellationToken cancellationToken)
    {
        switch (await rest.PullAsync(since, claim, cancellationToken).ConfigureAwait(false))
        {
            case RestAnswer<Contracts.Rest.EventPageBody>.Ok ok:
                _bytes += ok.Bytes;
                return new PullInput.Page(ok.Body, Known(ok.Body.Events));
            case RestAnswer<Contracts.Rest.EventPageBody>.Failed failed:
                return new PullInput.Failed(failed.Failure);
            default:
                throw new InvalidOperationException("A third kind of answer.");
        }
    }

    // Of a stream that was cut what came first may come again.
    private int Known(IReadOnlyList<SyncEvent> events) => _early.Count == 0 ? 0 : events.Count(next => next.Id is { } id && _early.Contains(id));

    private Task GiveUpStreamAsync(PullState state)
    {
        if (state.StreamFailure is { } failure) ClientLog.StreamGivenUp(logger, failure.Kind, failure.Message, state.Processed);
        return LeaveStreamAsync();
    }

    private async Task ResumeStreamAsync(PullState state)
    {
        ClientLog.StreamResumed(logger, state.Processed);
        await LeaveStreamAsync().ConfigureAwait(false);
        if (_ledger is not null) await _ledger.BeginAnewAsync().ConfigureAwait(false);
    }

    private async Task LeaveStreamAsync()
    {
        if (_pages is not null) await _pages.DisposeAsync().ConfigureAwait(false);
        if (_connection is not null) await _connection.DisposeAsync().ConfigureAwait(false);
        (_pages, _connection) = (null, null);
    }

    private WebSocketMessageType MessageType => options.RequestAsText ? WebSocketMessageType.Text : WebSocketMessageType.Binary;

    private void Report(SyncPhase phase, PullState state) => meter.Report(phase, state.Processed, state.Total, _bytes, state.Transport);

    private static SyncPhase PhaseOf(PullState state)
        => state.Phase switch
        {
            PullPhase.Negotiating or PullPhase.Opening or PullPhase.AwaitingStart => SyncPhase.Connecting,
            PullPhase.Waiting => SyncPhase.Waiting,
            PullPhase.Healing => SyncPhase.Sending,
            _ => SyncPhase.Receiving,
        };
}
