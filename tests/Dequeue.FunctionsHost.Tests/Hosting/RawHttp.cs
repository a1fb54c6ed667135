using System.Net.Sockets;
using System.Text;

namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary>An HTTP connection whose bytes are the test's own.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly TcpClient _client = new();

    public static async Task<RawHttp> ConnectAsync(Uri address)
    {
        var raw = new RawHttp();
        await raw._client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        return raw;
    }

    public async Task WriteAsync(string text)
        => await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken);

    /// <summary>The first line of what comes.</summary>
    public async Task<string> ReadLineAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Guard.Time);
        var line = new StringBuilder();
        var one = new byte[1];
        while (await _client.GetStream().ReadAsync(one, limit.Token) == 1 && one[0] != '\n') line.Append((char)one[0]);
        return line.ToString().TrimEnd('\r');
    }

    public void Dispose() => _client.Dispose();
}
