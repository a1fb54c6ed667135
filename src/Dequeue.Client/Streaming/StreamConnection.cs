using System.Net.WebSockets;
using System.Threading.Channels;
using Dequeue.Client.Rest;

namespace Dequeue.Client.Streaming;

/// <summary>What a connection is for.</summary>
internal enum ConnectionKind
{
    /// <summary>A stream: few large messages, never silent for long.</summary>
    Stream,

    /// <summary>A stream that stays open, silent for hours then, probed by pings.</summary>
    Live,
}

/// <summary>What came over a connection.</summary>
/// <param name="Message">The message, opened if it was compressed.</param>
/// <param name="WireBytes">Its bytes on the wire.</param>
/// <param name="Failure">Why there will be no more messages, or null.</param>
internal readonly record struct Received(ReadOnlyMemory<byte> Message, int WireBytes, SyncFailure? Failure);

/// <summary>
/// An open WebSocket whose messages are received ahead while earlier ones are worked on. Each message gets its own array, which
/// its events then own, so bytes are copied once, from the socket.
/// </summary>
internal sealed class StreamConnection : IAsyncDisposable
{
    /// <summary>Messages of a stream received ahead. More would only cost memory: the parser is the slower side.</summary>
    private const int StreamAhead = 4;

    private const int SmallestBuffer = 64 * 1024, SmallestSilentBuffer = 4 * 1024;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    private readonly ClientWebSocket _socket;
    private readonly SyncOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop;
    private readonly Channel<Received> _messages;
    private readonly CancellationTokenSource _idle;
    private readonly FrameOpener _opener;
    private readonly Task _receiving;
    private bool _isReceiving, _isSilent;

    private StreamConnection(ClientWebSocket socket, SyncOptions options, TimeProvider time)
    {
        _messages = Channel.CreateBounded<Received>(new BoundedChannelOptions(StreamAhead) { SingleReader = true, SingleWriter = true });
        _opener = new FrameOpener(options.Encodings, options.MaxMessageBytes);
        _idle = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _socket = socket;
        _options = options;
        _time = time;
        _stop = new CancellationTokenSource();
        _receiving = ReceiveAllAsync(_stop.Token);
    }

    /// <summary>Connects. The bearer token, when given, goes into the <c>Authorization</c> header.</summary>
    /// <returns>The connection, or why there is none.</returns>
    public static async Task<(StreamConnection? Connection, SyncFailure? Failure)> OpenAsync(
        Uri address, Credentials? credentials, ConnectionKind kind, SyncOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        SyncFailure? refused = null;
        while (true)
        {
            var socket = new ClientWebSocket();
            var opened = false;
            try
            {
                if (refused is not null && !await credentials!.RefreshAsync(both.Token).ConfigureAwait(false)) return (null, refused);
                socket.Options.CollectHttpResponseDetails = true;
                if (options.Proxy is not null) socket.Options.Proxy = options.Proxy;
                if (credentials is not null)
                    socket.Options.SetRequestHeader("Authorization", $"Bearer {await credentials.TokenAsync(both.Token).ConfigureAwait(false)}");
                if (kind == ConnectionKind.Live) KeepAlive(socket.Options, options.KeepAliveInterval);
                options.ConfigureWebSocket?.Invoke(socket.Options);
                await socket.ConnectAsync(address, both.Token).ConfigureAwait(false);
                opened = true;
                return (new StreamConnection(socket, options, time), null);
            }
            catch (Exception e) when (e is OperationCanceledException || NetworkFailure.Is(e))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (timeout.IsCancellationRequested)
                    return (null, new SyncFailure(SyncFailureKind.TimedOut, $"The WebSocket did not open within {options.ConnectTimeout.TotalSeconds:0.#} s."));
                refused = Refusal(socket, e, time);
                if (refused.Status != 401 || credentials is null) return (null, refused);
            }
            finally
            {
                if (!opened) socket.Dispose();
            }
        }
    }

    /// <summary>Sends one message. A server that takes none for as long as <see cref="SyncOptions.IdleTimeout"/> is cut off.</summary>
    /// <returns>Why it could not be sent, or null.</returns>
    public async Task<SyncFailure?> SendAsync(ReadOnlyMemory<byte> message, WebSocketMessageType type, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.IdleTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            await _socket.SendAsync(message, type, endOfMessage: true, both.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (e is OperationCanceledException || IsCut(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Cut(e);
        }
    }

    /// <summary>The next message, or why there will be none.</summary>
    public ValueTask<Received> ReceiveAsync(CancellationToken cancellationToken) => _messages.Reader.ReadAsync(cancellationToken);

    /// <summary>Says whether the server may be silent from now on, as on a connection that waits for what is committed.</summary>
    public void Await(bool isSilent) => Arm(isSilent: isSilent);

    /// <summary>Says goodbye if the server still listens, and frees the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived) await SayGoodbyeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _opener.Dispose();
        _socket.Dispose();
        _stop.Dispose();
        _idle.Dispose();
    }

    private async Task SayGoodbyeAsync()
    {
        using var timeout = new CancellationTokenSource(CloseTimeout, _time);
        try
        {
            await _socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException || IsCut(e))
        {
            // The server is gone already, which is what was to be said.
        }
    }

    private async Task ReceiveAllAsync(CancellationToken cancellationToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _idle.Token);
        var expected = SmallestBuffer;
        try
        {
            while (true)
            {
                Arm(isReceiving: true);
                var message = await ReceiveOneAsync(expected, both.Token).ConfigureAwait(false);
                Arm(isReceiving: false);
                expected = Math.Clamp(
                    message.WireBytes + message.WireBytes / 8, _isSilent ? SmallestSilentBuffer : SmallestBuffer, _options.MaxMessageBytes);

                // Here rather than where messages are parsed: the two run side by side.
                if (message.Failure is null) message = Open(message, _opener);
                await _messages.Writer.WriteAsync(message, cancellationToken).ConfigureAwait(false);
                if (message.Failure is not null) return;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Disposed: nobody waits for more.
        }
        catch (OperationCanceledException)
        {
            await EndAsync(new SyncFailure(SyncFailureKind.TimedOut, $"The stream was silent for {_options.IdleTimeout.TotalSeconds:0.#} s."), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsCut(e))
        {
            await EndAsync(Cut(e), cancellationToken).ConfigureAwait(false);
        }
    }

    // Two sides change it: who receives, and who says what is to be awaited.
    private void Arm(bool? isReceiving = null, bool? isSilent = null)
    {
        lock (_messages)
        {
            (_isReceiving, _isSilent) = (isReceiving ?? _isReceiving, isSilent ?? _isSilent);
            _idle.CancelAfter(_isReceiving && !_isSilent ? _options.IdleTimeout : Timeout.InfiniteTimeSpan);
        }
    }

    private async Task<Received> ReceiveOneAsync(int expected, CancellationToken cancellationToken)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(expected);
        var length = 0;
        while (true)
        {
            var part = await _socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return new Received(default, 0, new SyncFailure(
                    SyncFailureKind.Unreachable, $"The server closed the stream ({(int?)_socket.CloseStatus} {_socket.CloseStatusDescription})."));
            }

            length += part.Count;
            if (part.EndOfMessage) return new Received(MessageBuffer.Fitted(buffer, length), length, null);
            if (length < buffer.Length) continue;
            if (length >= _options.MaxMessageBytes)
                return new Received(default, 0, new SyncFailure(SyncFailureKind.BadAnswer, $"A message is larger than {_options.MaxMessageBytes} bytes."));
            Array.Resize(ref buffer, (int)Math.Min(2L * length, _options.MaxMessageBytes));
        }
    }

    private static void KeepAlive(ClientWebSocketOptions socket, TimeSpan interval)
    {
        socket.KeepAliveInterval = interval;
#if NET9_0_OR_GREATER
        // .NET 8 sends, but awaits no answer: there the periodic catch-up finds a connection that is cut.
        socket.KeepAliveTimeout = interval;
#endif
    }

    private static Received Open(Received frame, FrameOpener opener)
        => opener.Open(frame.Message, out var problem) is { } message
            ? frame with { Message = message }
            : frame with { Failure = new SyncFailure(SyncFailureKind.BadAnswer, problem!) };

    private async Task EndAsync(SyncFailure failure, CancellationToken cancellationToken)
    {
        try
        {
            await _messages.Writer.WriteAsync(new Received(default, 0, failure), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Disposed meanwhile.
        }
    }

    private static SyncFailure Refusal(ClientWebSocket socket, Exception e, TimeProvider time)
    {
        var status = (int)socket.HttpStatusCode;
        if (status is 0 or 101) return new SyncFailure(SyncFailureKind.Unreachable, $"The WebSocket could not be opened: {e.InnerException?.Message ?? e.Message}");
        var retryAfter = socket.HttpResponseHeaders?.GetValueOrDefault("Retry-After")?.FirstOrDefault();
        return new SyncFailure(
            HttpFailure.KindOf(status), $"The WebSocket was refused with {status}.", Status: status, RetryAfter: HttpFailure.RetryAfter(retryAfter, time));
    }

    private static bool IsCut(Exception e) => NetworkFailure.Is(e) || e is ObjectDisposedException or InvalidOperationException;

    private static SyncFailure Cut(Exception e) => new(SyncFailureKind.Unreachable, $"The stream was cut: {e.Message}");

}
