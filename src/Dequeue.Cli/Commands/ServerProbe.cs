using System.Net.Sockets;

namespace Dequeue.Cli.Commands;

/// <summary>Sees whether anybody answers at all: a device tries for a long time, and a person who forgot to start the server should not wait for
/// that.</summary>
internal static class ServerProbe
{
    /// <summary>Who takes longer may be slow, not absent.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Why there is no server, in one sentence; null when there may be one.</summary>
    public static async Task<string?> AbsenceAsync(Uri server, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = Patience };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, server);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return null;
        }
        catch (HttpRequestException absent) when (absent.HttpRequestError == HttpRequestError.NameResolutionError
            || absent.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostUnreachable or SocketError.NetworkUnreachable })
        {
            return $"No server answers at {server.GetLeftPart(UriPartial.Authority)} (--server){(server.IsLoopback ? ": `dequeue serve` starts one." : ".")}";
        }
        catch (Exception odd) when (odd is HttpRequestException || (odd is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The command itself says what is wrong.
            return null;
        }
    }
}
