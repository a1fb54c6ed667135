using System.Runtime.CompilerServices;
using System.Text.Json;
using Dequeue.Client.Rest;
using Dequeue.Client.Streaming;
using Dequeue.Contracts.Events;
using Microsoft.Extensions.Logging;

namespace Dequeue.Client.Live;

/// <summary>Carries out what <see cref="LiveMachine"/> decides.</summary>
/// <param name="options">The address and the time-outs.</param>
/// <param name="tokens">Asked for each connection.</param>
/// <param name="catchUp">Pulls: by stream after connecting, by pages when it is merely due.</param>
/// <param name="save">Saves one event; true when it was new.</param>
/// <param name="time">The clock.</param>
/// <param name="random">For the jitter.</param>
/// <param name="logger">For reconnects.</param>
internal sealed class LiveRun(
    SyncOptions options, TokenProvider tokens, Func<StreamEndpoint, Pull> catchUp, Func<SyncEvent, CancellationToken, ValueTask<bool>> save,
    TimeProvider time, Random random, ILogger logger)
{
    private readonly RetryPolicy _retry = RetryPolicy.Of(options);
    private readonly SyncEventReader _reader = new();
    private StreamConnection? _connection;
    private StreamEndpoint _catchUpBy;
    private long _caughtUpAt;

    public async IAsyncEnumerable<SyncEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (state, command) = LiveMachine.Begin();
        try
        {
            while (true)
            {
                LiveInput input;
                switch (command)
                {
                    case LiveCommand.Open:
                        input = await OpenAsync(cancellationToken).ConfigureAwait(false);
                        break;
                    case LiveCommand.CatchUp:
                        var pull = new CatchUp(catchUp(_catchUpBy));
                        await foreach (var next in pull.EventsAsync(cancellationToken).ConfigureAwait(false)) yield return next;
                        _catchUpBy = StreamEndpoint.None;
                        _caughtUpAt = time.GetTimestamp();
                        input = pull.Failure is { } failure ? new LiveInput.Failed(failure) : new LiveInput.CaughtUp();
                        break;
                    case LiveCommand.Listen:
                        (input, var added) = await ListenAsync(cancellationToken).ConfigureAwait(false);
                        if (added is { } live) yield return live;
                        break;
                    case LiveCommand.Wait wait:
                        await CloseAsync().ConfigureAwait(false);
                        await Task.Delay(wait.Delay, time, cancellationToken).ConfigureAwait(false);
                        input = new LiveInput.Waited();
                        break;
                    case LiveCommand.Fail fail:
                        throw new SyncFailedException(fail.Failure);
                    default:
                        throw new InvalidOperationException($"{command.GetType().Name} is not carried out here.");
                }

                if (input is LiveInput.Failed failed) ClientLog.LiveLost(logger, failed.Failure.Kind, failed.Failure.Message);
                (state, command) = LiveMachine.Next(state, input, _retry, random.NextDouble());
            }
        }
        finally
        {
            await CloseAsync().ConfigureAwait(false);
        }
    }

    private async Task<LiveInput> OpenAsync(CancellationToken cancellationToken)
    {
        var credentials = new Credentials(tokens);
        while (true)
        {
            // The token stands in the URL, as the shipped app sends it; so the URL goes into no message.
            var token = Uri.EscapeDataString(await credentials.TokenAsync(cancellationToken).ConfigureAwait(false));
            var (connection, failure) = await StreamConnection.OpenAsync(
                options.WebSocketAddress($"/apps/{options.App}/ws?token={token}"), null, ConnectionKind.Live, options, time, cancellationToken).ConfigureAwait(false);
            _connection = connection;
            if (failure?.Status == 401 && await credentials.RefreshAsync(cancellationToken).ConfigureAwait(false)) continue;
            _catchUpBy = options.Stream;
            return failure is null ? new LiveInput.Opened() : new LiveInput.Failed(failure);
        }
    }

    private async Task<(LiveInput Input, SyncEvent? Added)> ListenAsync(CancellationToken cancellationToken)
    {
        var left = options.CatchUpInterval - time.GetElapsedTime(_caughtUpAt);
        if (left <= TimeSpan.Zero) return (new LiveInput.CatchUpDue(), null);
        using var due = new CancellationTokenSource(left, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, due.Token);
        try
        {
            var (message, _, failure) = await _connection!.ReceiveAsync(both.Token).ConfigureAwait(false);
            if (failure is not null) return (new LiveInput.Failed(failure), null);
            return (new LiveInput.Event(), Read(message) is { } next && await save(next, cancellationToken).ConfigureAwait(false) ? next : null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (new LiveInput.CatchUpDue(), null);
        }
    }

    // Anything but an event with an id is left to the next catch-up.
    private SyncEvent? Read(ReadOnlyMemory<byte> message)
    {
        try
        {
            var reader = new Utf8JsonReader(message.Span);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return null;
            var next = _reader.ReadObject(ref reader, message);
            reader.Read();
            return options.Keeps(next, isFirstSync: false) ? next : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async ValueTask CloseAsync()
    {
        if (_connection is null) return;
        await _connection.DisposeAsync().ConfigureAwait(false);
        _connection = null;
    }
}
