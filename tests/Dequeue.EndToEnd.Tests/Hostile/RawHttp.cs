using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>HTTP as no client library would send it.</summary>
internal static class RawHttp
{
    /// <summary>Sends these bytes and waits, two minutes at most, for the status of the answer.</summary>
    public static async Task<int> StatusAsync(Uri address, string request)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Guard.Time);
        using var connection = new TcpClient();
        await connection.ConnectAsync(address.Host, address.Port, timeout.Token);
        await connection.GetStream().WriteAsync(Encoding.UTF8.GetBytes(request), timeout.Token);
        using var reader = new StreamReader(connection.GetStream(), Encoding.ASCII);
        var line = await reader.ReadLineAsync(timeout.Token);
        return int.Parse(line!.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
