using System.Net;
using System.Net.Sockets;

namespace Dequeue.Client.Tests.Servers;

/// <summary>A load balancer without a backend: it takes each connection and resets it at once.</summary>
internal sealed class ResettingPort : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _resetting;

    public ResettingPort()
    {
        _listener.Start();
        _resetting = ResetAllAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _resetting;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task ResetAllAsync()
    {
        try
        {
            while (true)
            {
                using var taken = await _listener.AcceptSocketAsync(_stop.Token);
                taken.LingerState = new LingerOption(true, 0);
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }
}
