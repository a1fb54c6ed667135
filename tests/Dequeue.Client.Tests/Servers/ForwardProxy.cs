using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Dequeue.Client.Tests.Servers;

/// <summary>An HTTP proxy: tunnels a CONNECT, and passes any other request on as it is.</summary>
internal sealed class ForwardProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly Uri _target;

    public ForwardProxy(Uri target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>The first lines of the requests.</summary>
    public List<string> Requests { get; } = [];

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
                var (down, up) = (client.GetStream(), server.GetStream());
                var buffer = new byte[64 * 1024];
                var head = 0;
                while (buffer.AsSpan(0, head).IndexOf("\r\n\r\n"u8) < 0) head += await down.ReadAsync(buffer.AsMemory(head), _stop.Token);
                var first = Encoding.ASCII.GetString(buffer, 0, buffer.AsSpan().IndexOf((byte)'\r'));
                lock (Requests) Requests.Add(first);
                if (first.StartsWith("CONNECT ", StringComparison.Ordinal)) await down.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), _stop.Token);
                else await up.WriteAsync(buffer.AsMemory(0, head), _stop.Token);
                using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                Task[] both = [down.CopyToAsync(up, end.Token), up.CopyToAsync(down, end.Token)];
                await Task.WhenAny(both);
                await end.CancelAsync();
                await Task.WhenAll(both);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                // One side is gone: both go.
            }
        }
    }
}
