using System.Net;
using System.Net.Sockets;

namespace Dequeue.Client.Tests.Servers;

/// <summary>Passes TCP on, and ends the first connection that has brought so many bytes back.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly Uri _target;
    private long _left;

    public CuttingProxy(Uri target, long cutAfter)
    {
        (_target, _left) = (target, cutAfter);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Authority => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public bool HasCut { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true) connections.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(_target.Host, _target.Port, _stop.Token);
                using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                var up = CopyAsync(client.GetStream(), server.GetStream(), counts: false, end.Token);
                var down = CopyAsync(server.GetStream(), client.GetStream(), counts: true, end.Token);
                await Task.WhenAny(up, down);
                client.Client.Shutdown(SocketShutdown.Send);
                await end.CancelAsync();
                await Task.WhenAll(up, down);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                // One side is gone: both go.
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool counts, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var read = await from.ReadAsync(buffer, cancellationToken);
            if (read == 0) return;
            if (counts && !HasCut)
            {
                var pass = (int)Math.Min(read, _left);
                await to.WriteAsync(buffer.AsMemory(0, pass), cancellationToken);
                _left -= pass;
                HasCut = _left == 0;
                if (HasCut) return;
                continue;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }
}
