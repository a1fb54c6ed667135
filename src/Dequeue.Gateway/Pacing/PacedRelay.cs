using System.Buffers;
using System.Net.WebSockets;
using System.Threading.Channels;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Gateway.Pacing;

/// <summary>How a relayed connection ended.</summary>
internal enum RelayEnd
{
    /// <summary>The client left, or was lost.</summary>
    Client,

    /// <summary>Web PubSub closed the connection, and the client was told with the same code.</summary>
    WebPubSub,

    /// <summary>The connection to Web PubSub was lost, or brought what cannot be opened.</summary>
    Lost,

    /// <summary>The gateway stops.</summary>
    Stopped,
}

/// <summary>
/// Carries messages between a client and Web PubSub. What comes from Web PubSub is always read at once, so that the service's pings
/// are answered however slow the client is; it waits here, no more than a window of it.
/// </summary>
internal sealed class PacedRelay(WebSocket client, WebSocket pubSub, TimeProvider clock) : IDisposable
{
    /// <summary>Messages that wait for a client: a window, and what comes beside it. When as many wait, Web PubSub has to.</summary>
    private const int MaxWaiting = 2 * PacedRequest.Batches;

    /// <summary>Longest message of a client; Web PubSub takes no larger one.</summary>
    private const int MaxClientBytes = 1024 * 1024;

    private const int SmallBuffer = 4 * 1024, BatchBuffer = 64 * 1024;

    /// <summary>How long an end is given to answer a close.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    private readonly StreamPacer _pacer = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Channel<ReadMessage> _waiting
        = Channel.CreateBounded<ReadMessage>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true, SingleWriter = true });

    private WebSocketCloseStatus _goodbye = WebSocketCloseStatus.EndpointUnavailable;
    private long _acknowledgedAt = clock.GetTimestamp();

    /// <summary>Runs until one side has ended; then the other has, too.</summary>
    /// <param name="stopping">The gateway stops: a stream that runs comes to its end, others are let go.</param>
    public async Task<RelayEnd> RunAsync(CancellationToken stopping)
    {
        // A receive that is cancelled cuts its socket off: the client's goes on until the goodbye is said.
        using var stop = new CancellationTokenSource();
        using var cut = new CancellationTokenSource();
        await using var stops = stopping.Register(() =>
        {
            if (!_pacer.IsRunning) stop.Cancel();
        });
        var asking = AskAsync(cut.Token);
        var receiving = ReceiveAsync(stop.Token);
        var delivering = DeliverAsync(stopping, stop.Token);
        var end = RelayEnd.Client;
        if (await Task.WhenAny(asking, delivering) == delivering)
        {
            end = await delivering;

            // The client answers the close, or is cut off.
            await ((Task)asking).WaitAsync(ClosePatience, clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else
        {
            await CloseAsync(pubSub, await asking, null);
        }

        await stop.CancelAsync();
        await cut.CancelAsync();
        await ((Task)Task.WhenAll(asking, receiving, delivering)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return end;
    }

    /// <inheritdoc/>
    public void Dispose() => _sending.Dispose();

    /// <summary>Carries the client's messages.</summary>
    /// <returns>The code of its close; null when it was lost.</returns>
    private async Task<WebSocketCloseStatus?> AskAsync(CancellationToken cancellationToken)
    {
        using var reader = new MessageReader(client, SmallBuffer, MaxClientBytes);
        try
        {
            while (true)
            {
                var message = await reader.ReadAsync(cancellationToken);
                if (message.Type == WebSocketMessageType.Close) return client.CloseStatus;
                await SendAsync(_pacer.FromClient(message.Bytes), message.Type, cancellationToken);
            }
        }
        catch (InvalidDataException)
        {
            return _goodbye = WebSocketCloseStatus.MessageTooBig;
        }
        catch (Exception e) when (IsLost(e))
        {
            return null;
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        using var reader = new MessageReader(pubSub, BatchBuffer, int.MaxValue);
        try
        {
            while (true)
            {
                var message = await reader.ReadAsync(cancellationToken);
                await _waiting.Writer.WriteAsync(message, cancellationToken);
                if (message.Type == WebSocketMessageType.Close) break;
            }

            _waiting.Writer.Complete();
        }
        catch (Exception e) when (IsLost(e))
        {
            _waiting.Writer.Complete(e);
        }
    }

    private async Task<RelayEnd> DeliverAsync(CancellationToken stopping, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var message in _waiting.Reader.ReadAllAsync(cancellationToken))
            {
                if (message.Type == WebSocketMessageType.Close)
                {
                    await CloseAsync(client, pubSub.CloseStatus, pubSub.CloseStatusDescription);
                    return RelayEnd.WebPubSub;
                }

                await DeliverAsync(message, cancellationToken);
                if (stopping.IsCancellationRequested && !_pacer.IsRunning) return await SayGoodbyeAsync();
            }

            return RelayEnd.WebPubSub;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return await SayGoodbyeAsync();
        }
        catch (Exception e) when (IsLost(e))
        {
            if (client.State != WebSocketState.Open) return RelayEnd.Client;
            await CloseAsync(client, WebSocketCloseStatus.InternalServerError, "The connection to Web PubSub was lost.");
            return RelayEnd.Lost;
        }
    }

    private async Task<RelayEnd> SayGoodbyeAsync()
    {
        await CloseAsync(client, _goodbye, null);
        return RelayEnd.Stopped;
    }

    private async Task DeliverAsync(ReadMessage message, CancellationToken cancellationToken)
    {
        var frame = _pacer.ToClient(message.Bytes);
        try
        {
            var flags = WebSocketMessageFlags.EndOfMessage | (frame.IsCompressed ? WebSocketMessageFlags.DisableCompression : WebSocketMessageFlags.None);

            // Done when the client's connection has taken all but the last few of its bytes: TCP's own window is what paces.
            await client.SendAsync(frame.Message, message.Type, flags, cancellationToken);
        }
        finally
        {
            if (frame.Rented is not null) ArrayPool<byte>.Shared.Return(frame.Rented);
        }

        if (frame.BatchIndex < 0) return;
        var isLate = clock.GetElapsedTime(_acknowledgedAt) >= StreamWindows.AckInterval;
        if (_pacer.Taken(frame.BatchIndex, message.Bytes.Length, isLate) is not { } batch) return;
        _acknowledgedAt = clock.GetTimestamp();
        await SendAsync(new StreamAck(batch).ToUtf8Bytes(), WebSocketMessageType.Binary, cancellationToken);
    }

    private async Task SendAsync(ReadOnlyMemory<byte> message, WebSocketMessageType type, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await pubSub.SendAsync(message, type, endOfMessage: true, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task CloseAsync(WebSocket socket, WebSocketCloseStatus? status, string? description)
    {
        if (status is null || socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            socket.Abort();
            return;
        }

        using var patience = new CancellationTokenSource(ClosePatience, clock);
        try
        {
            // No code at all is a code to the reader, and none to be sent.
            await (status == WebSocketCloseStatus.Empty
                ? socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token)
                : socket.CloseOutputAsync(status.Value, description, patience.Token));
        }
        catch (Exception e) when (IsLost(e) || e is ArgumentException)
        {
            socket.Abort();
        }
    }

    private static bool IsLost(Exception e)
        => e is WebSocketException or IOException or InvalidDataException or OperationCanceledException or ObjectDisposedException or InvalidOperationException
            or ChannelClosedException;
}
