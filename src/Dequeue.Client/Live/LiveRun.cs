using Dequeue.Contracts.Streaming;
using Microsoft.Extensions.Logging;

namespace Dequeue.Client.Live;

/// <summary>Brings the store up to date: by stream over a connection that is then in <paramref name="stream"/>, or by pages.</summary>
internal delegate Task<SyncResult> LivePull(StreamEndpoint endpoint, LiveStream stream, CancellationToken cancellationToken);

/// <summary>Saves events that came live.</summary>
/// <returns>False, and nothing is saved, when the store does not hold all that comes before them.</returns>
internal delegate ValueTask<bool> LiveSave(LiveEvents events, CancellationToken cancellationToken);

/// <summary>Keeps the store up to date, without end: carries out what <see cref="LiveMachine"/> decides.</summary>
/// <param name="options">The intervals.</param>
/// <param name="pull">Pulls.</param>
/// <param name="save">Saves what comes live.</param>
/// <param name="time">The clock.</param>
/// <param name="random">For the jitter.</param>
/// <param name="logger">For what is lost and found again.</param>
#pragma warning disable CA1001 // RunAsync closes the stream at its end.
internal sealed class LiveRun(SyncOptions options, LivePull pull, LiveSave save, TimeProvider time, Random random, ILogger logger)
#pragma warning restore CA1001
{
    /// <summary>How long a gap may close by itself: what another server process committed before is told a moment later, as a rule.</summary>
    private static readonly TimeSpan GapPatience = TimeSpan.FromMilliseconds(500);

    private readonly LiveTerms _terms = LiveTerms.Of(options);
    private readonly StreamMessageReader _reader = new();
    private readonly LiveStream _stream = new();
    private long _syncedAt;
    private long? _gapSince;

    /// <summary>Runs until it is cancelled.</summary>
    /// <exception cref="SyncFailedException">The server refuses this user or app for good.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Away from the caller, who may be a UI thread.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await using (_stream.ConfigureAwait(false))
        {
            var (state, command) = LiveMachine.Begin(_terms);
            while (true)
            {
                var input = await ExecuteAsync(command, cancellationToken).ConfigureAwait(false);
                if (input is LiveInput.Failed failed) ClientLog.LiveLost(logger, failed.Failure.Kind, failed.Failure.Message);
                (state, command) = LiveMachine.Next(state, input, _terms, random.NextDouble());
            }
        }
    }

    private async Task<LiveInput> ExecuteAsync(LiveCommand command, CancellationToken cancellationToken)
    {
        switch (command)
        {
            case LiveCommand.Sync:
                return await PullAsync(options.Stream, cancellationToken).ConfigureAwait(false);
            case LiveCommand.Poll:
                return await PullAsync(StreamEndpoint.None, cancellationToken).ConfigureAwait(false);
            case LiveCommand.Listen:
                return await ListenAsync(cancellationToken).ConfigureAwait(false);
            case LiveCommand.Wait wait:
                await _stream.CloseAsync().ConfigureAwait(false);
                await Task.Delay(wait.Delay, time, cancellationToken).ConfigureAwait(false);
                return new LiveInput.Waited();
            case LiveCommand.Fail fail:
                throw new SyncFailedException(fail.Failure);
            default:
                throw new InvalidOperationException($"{command.GetType().Name} is not carried out here.");
        }
    }

    private async Task<LiveInput> PullAsync(StreamEndpoint endpoint, CancellationToken cancellationToken)
    {
        try
        {
            var result = await pull(endpoint, _stream, cancellationToken).ConfigureAwait(false);
            (_syncedAt, _gapSince) = (time.GetTimestamp(), null);
            return _stream.Connection is null ? new LiveInput.Paged(result.Added > 0, result.StreamFailure) : new LiveInput.Live();
        }
        catch (SyncFailedException e)
        {
            return new LiveInput.Failed(e.Failure);
        }
    }

    private async Task<LiveInput> ListenAsync(CancellationToken cancellationToken)
    {
        var brought = false;
        while (true)
        {
            while (_stream.Order.Next() is { } next)
            {
                if (!await save(next, cancellationToken).ConfigureAwait(false)) return new LiveInput.Renew();
                brought = true;
            }

            if (_stream.Order.HasOther) return new LiveInput.Renew();
            if (brought) return new LiveInput.Batch();
            var left = options.CatchUpInterval - time.GetElapsedTime(_syncedAt);
            if (!_stream.Order.HasGap) _gapSince = null;
            else left = Min(left, GapPatience - time.GetElapsedTime(_gapSince ??= time.GetTimestamp()));
            if (left <= TimeSpan.Zero) return new LiveInput.Renew();
            if (await ReceiveAsync(left, cancellationToken).ConfigureAwait(false) is { } end) return end;
        }
    }

    // Takes one message; what ends the listening, or null.
    private async Task<LiveInput?> ReceiveAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var due = new CancellationTokenSource(atMost, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, due.Token);
        try
        {
            var (message, _, failure) = await _stream.Connection!.ReceiveAsync(both.Token).ConfigureAwait(false);
            if (failure is not null) return new LiveInput.Failed(failure);

            // Anything else is left alone: what it may have told comes when the log is asked again.
            if (_reader.Read(message, out _) is StreamMessage.Live batch) _stream.Order.Add(batch);
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new LiveInput.Renew();
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
