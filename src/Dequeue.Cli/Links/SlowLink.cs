using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Dequeue.Cli.Links;

/// <summary>
/// A TCP proxy on a free loopback port that behaves as a longer link: every byte arrives half a round trip later, and no faster
/// than the link carries. Who sends faster has to wait, as TCP makes him. Opening a connection costs one round trip, as TCP's handshake
/// does.
/// </summary>
public sealed class SlowLink : IAsyncDisposable
{
    private const int ChunkBytes = 64 * 1024;

    /// <summary>What the ends of the link may hold besides what is on its way; loopback's own buffers would hold megabytes.</summary>
    private const int BufferBytes = 128 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _target;
    private readonly TimeSpan _oneWay;
    private readonly double _bytesPerSecond;
    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly Task _accepting;
    private long _stalledUntil, _bytesBack;

    /// <summary>Opens the link.</summary>
    /// <param name="target">A server on this machine.</param>
    /// <param name="roundTrip">The time there and back.</param>
    /// <param name="megabitsPerSecond">What it carries in each direction; null for no limit.</param>
    public SlowLink(Uri target, TimeSpan roundTrip, double? megabitsPerSecond = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        _target = new IPEndPoint(IPAddress.Loopback, target.Port);
        _oneWay = roundTrip / 2;
        _bytesPerSecond = megabitsPerSecond * 1_000_000 / 8 ?? double.PositiveInfinity;
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    /// <summary>The near end.</summary>
    public Uri Address { get; }

    /// <summary>Bytes that have come back from the server.</summary>
    public long BytesBack => Interlocked.Read(ref _bytesBack);

    /// <summary>Carries nothing for a while, and loses nothing: who sends has to wait.</summary>
    public void Stall(TimeSpan time)
        => Interlocked.Exchange(ref _stalledUntil, _clock.GetTimestamp() + (long)(time.TotalSeconds * _clock.TimestampFrequency));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(CarryAsync(await _listener.AcceptSocketAsync(_stop.Token)));
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task CarryAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        if (!double.IsPositiveInfinity(_bytesPerSecond)) far.ReceiveBufferSize = near.SendBufferSize = BufferBytes;
        using (near)
        {
            try
            {
                await Task.Delay(_oneWay * 2, _clock, _stop.Token);
                await far.ConnectAsync(_target, _stop.Token);
                await Task.WhenAll(OneWayAsync(near, far, isBack: false), OneWayAsync(far, near, isBack: true));
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Either end hung up: so does the other.
            }
        }
    }

    private async Task OneWayAsync(Socket from, Socket to, bool isBack)
    {
        var onTheWay = Channel.CreateUnbounded<(long Due, ReadOnlyMemory<byte> Bytes)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        await Task.WhenAll(SendAsync(from, onTheWay.Writer), ArriveAsync(to, isBack, onTheWay.Reader));
    }

    private async Task SendAsync(Socket from, ChannelWriter<(long, ReadOnlyMemory<byte>)> link)
    {
        try
        {
            var free = _clock.GetTimestamp();
            while (true)
            {
                await UntilAsync(Interlocked.Read(ref _stalledUntil));
                var chunk = new byte[ChunkBytes];
                var read = await from.ReceiveAsync(chunk, _stop.Token);
                if (read == 0) break;
                free = Math.Max(free, _clock.GetTimestamp()) + (long)(read / _bytesPerSecond * _clock.TimestampFrequency);
                await link.WriteAsync((free + (long)(_oneWay.TotalSeconds * _clock.TimestampFrequency), chunk.AsMemory(0, read)), _stop.Token);
                await UntilAsync(free);
            }
        }
        finally
        {
            link.Complete();
        }
    }

    private async Task UntilAsync(long due)
    {
        var wait = _clock.GetElapsedTime(_clock.GetTimestamp(), due);
        if (wait > TimeSpan.Zero) await Task.Delay(wait, _clock, _stop.Token);
    }

    private async Task ArriveAsync(Socket to, bool isBack, ChannelReader<(long Due, ReadOnlyMemory<byte> Bytes)> link)
    {
        await foreach (var (due, bytes) in link.ReadAllAsync(_stop.Token))
        {
            await UntilAsync(due);
            await UntilAsync(Interlocked.Read(ref _stalledUntil));
            await to.SendAsync(bytes, _stop.Token);
            if (isBack) Interlocked.Add(ref _bytesBack, bytes.Length);
        }

        to.Shutdown(SocketShutdown.Send);
    }
}
