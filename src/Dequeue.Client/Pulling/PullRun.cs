using System.Net.WebSockets;
using Dequeue.Client.Rest;
using Dequeue.Client.Streaming;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Microsoft.Extensions.Logging;

namespace Dequeue.Client.Pulling;

/// <summary>Carries out what <see cref="PullMachine"/> decides, once.</summary>
internal sealed class PullRun(
    SyncOptions options,
    IEventStore store,
    RestCalls rest,
    Credentials credentials,
    TimeProvider time,
    Random random,
    ILogger logger,
    ProgressMeter meter,
    Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask>? onAdded = null) : IAsyncDisposable
{
    private static readonly PullInput.Done Done = new();
    private readonly RetryPolicy _retry = RetryPolicy.Of(options);
    private readonly StreamMessageReader _reader = new();
    private readonly EventDigest? _digest = options.VerifyDigest ? new EventDigest() : null;
    private StreamConnection? _connection;
    private Task _hashing = Task.CompletedTask;
    private bool _firstSync;
    private long _bytes, _added;

    public async Task<SyncResult> RunAsync(CancellationToken cancellationToken)
    {
        var origin = await store.LoadAsync(cancellationToken);
        _firstSync = options.IsFirstSync ?? origin.Checkpoint <= Checkpoint.Beginning;
        var (state, command) = PullMachine.Begin(origin, options.Stream);
        Report(SyncPhase.Connecting, state);
        while (true)
        {
            switch (command)
            {
                case PullCommand.Finish:
                    Report(SyncPhase.Completed, state with { Total = state.Processed });
                    return new SyncResult(
                        state.Transport, state.Processed, _added, meter.Seconds, _bytes, state.Position, state.StreamFailure, state.DigestVerified);
                case PullCommand.Fail fail:
                    throw new SyncFailedException(fail.Failure);
            }

            var input = await ExecuteAsync(command, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            var wasOnRest = state.OnRest;
            (state, command) = PullMachine.Next(state, input, _retry, random.NextDouble());
            if (state.OnRest && !wasOnRest) await LeaveStreamAsync(state);
            Report(PhaseOf(state), state);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync();
        await _hashing;
        _digest?.Dispose();
    }

    private async ValueTask<PullInput> ExecuteAsync(PullCommand command, CancellationToken cancellationToken)
    {
        switch (command)
        {
            case PullCommand.Receive:
                return await ReceiveAsync(cancellationToken);
            case PullCommand.Save save:
                if (_digest is not null && _connection is not null) await HashAsideAsync(_digest, save.Events);
                await SaveAsync(save, cancellationToken);
                return Done;
            case PullCommand.Negotiate:
                return await NegotiateAsync(cancellationToken);
            case PullCommand.Open open:
                return await OpenAsync(open, cancellationToken);
            case PullCommand.FetchPage fetch:
                return await FetchAsync(fetch.Since, cancellationToken);
            case PullCommand.Rewind rewind:
                await store.RewindAsync(rewind.Position, cancellationToken);
                _added = 0;
                return Done;
            case PullCommand.Wait wait:
                await Task.Delay(wait.Delay, time, cancellationToken);
                return Done;
            default:
                throw new InvalidOperationException($"{command.GetType().Name} is not carried out here.");
        }
    }

    private async ValueTask SaveAsync(PullCommand.Save save, CancellationToken cancellationToken)
    {
        var added = await store.SaveAsync(options.Kept(save.Events, _firstSync), save.Checkpoint, cancellationToken);
        _added += added.Count;
        if (onAdded is not null && added.Count > 0) await onAdded(added, cancellationToken);
    }

    private async Task<PullInput> NegotiateAsync(CancellationToken cancellationToken)
    {
        switch (await rest.NegotiateAsync(cancellationToken))
        {
            case RestAnswer<Contracts.Rest.NegotiateResponse>.Ok { Body.Url: var url }
                when Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "ws" or "wss":
                return new PullInput.Negotiated(address);
            case RestAnswer<Contracts.Rest.NegotiateResponse>.Failed failed:
                return new PullInput.Failed(failed.Failure);
            default:
                return new PullInput.Failed(new SyncFailure(SyncFailureKind.BadAnswer, "Negotiate did not answer with a WebSocket URL."));
        }
    }

    private async Task<PullInput> OpenAsync(PullCommand.Open open, CancellationToken cancellationToken)
    {
        var (connection, failure) = await StreamConnection.OpenAsync(
            open.Url ?? options.WebSocketAddress("/v1/sync/stream"), open.Url is null ? credentials : null, ConnectionKind.Stream, options, time, cancellationToken);
        _connection = connection;
        failure ??= await connection!.SendAsync(
            new StreamRequest(open.Since) { Encodings = options.Encodings }.ToUtf8Bytes(), options.RequestAsText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, cancellationToken);
        return failure is null ? new PullInput.Opened() : new PullInput.Failed(failure);
    }

    private async ValueTask<PullInput> ReceiveAsync(CancellationToken cancellationToken)
    {
        var received = await _connection!.ReceiveAsync(cancellationToken);
        if (received.Failure is not null) return new PullInput.Failed(received.Failure);
        _bytes += received.WireBytes;
        var message = _reader.Read(received.Message, out var problem);
        if (message is null) return new PullInput.Failed(new SyncFailure(SyncFailureKind.BadAnswer, problem!));
        if (message is not StreamMessage.Complete) return new PullInput.Message(message);
        await _hashing;
        return new PullInput.Message(message, _digest?.ToString());
    }

    private async Task<PullInput> FetchAsync(Checkpoint since, CancellationToken cancellationToken)
    {
        switch (await rest.PullAsync(since, cancellationToken))
        {
            case RestAnswer<Contracts.Rest.EventPageBody>.Ok ok:
                _bytes += ok.Bytes;
                return new PullInput.Page(ok.Body);
            case RestAnswer<Contracts.Rest.EventPageBody>.Failed failed:
                return new PullInput.Failed(failed.Failure);
            default:
                throw new InvalidOperationException("A third kind of answer.");
        }
    }

    private async Task LeaveStreamAsync(PullState state)
    {
        if (state.StreamFailure is { } failure) ClientLog.StreamGivenUp(logger, failure.Kind, failure.Message, state.Processed);
        if (_connection is null) return;
        await _connection.DisposeAsync();
        _connection = null;
    }

    // Hashing takes half as long as parsing: beside it, at most one batch behind, it costs no time of its own.
    private async ValueTask HashAsideAsync(EventDigest digest, IReadOnlyList<SyncEvent> events)
    {
        await _hashing;
        _hashing = HashAsync();

        async Task HashAsync()
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            for (var i = 0; i < events.Count; i++) digest.Append(events[i].Json.Span);
        }
    }

    private void Report(SyncPhase phase, PullState state) => meter.Report(phase, state.Processed, state.Total, _bytes, state.Transport);

    private static SyncPhase PhaseOf(PullState state)
        => state.Phase switch
        {
            PullPhase.Negotiating or PullPhase.Opening or PullPhase.AwaitingStart => SyncPhase.Connecting,
            PullPhase.Waiting => SyncPhase.Waiting,
            _ => SyncPhase.Receiving,
        };
}
