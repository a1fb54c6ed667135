using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;

namespace Dequeue.Client.Rest;

/// <summary>Knows what the network throws, for calls, pages by reference and WebSockets alike.</summary>
internal static class NetworkFailure
{
    /// <summary>Whether it was the network. <c>HttpClient</c> wraps most of it but not all: a connection that is taken and reset at once,
    /// by a load balancer without a backend, comes out as the bare <see cref="SocketException"/>.</summary>
    public static bool Is(Exception exception)
        => exception is HttpRequestException or IOException or SocketException or WebSocketException or AuthenticationException;

    /// <summary>The failure that it is for a call, which may succeed later.</summary>
    public static SyncFailure Of(Exception exception, string call)
        => new(SyncFailureKind.Unreachable, exception is IOException ? $"{call} was cut off: {exception.Message}" : $"{call} could not be reached: {exception.Message}");
}
