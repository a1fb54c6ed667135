using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using Dequeue.SampleEvents;
using Dequeue.Client.Rest;
using Dequeue.Client.Tests.Servers;

namespace Dequeue.Client.Tests.Rest;

/// <summary>Whatever the network throws is one kind.</summary>
public sealed class NetworkFailureTests
{
    private static readonly TheoryData<Exception> Thrown =
    [
        new SocketException((int)SocketError.NotConnected), new HttpRequestException("refused"), new IOException("cut"), new HttpIOException(HttpRequestError.ResponseEnded),
        new WebSocketException("closed"), new AuthenticationException("TLS"),
    ];

    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<Exception> Exceptions => Thrown;

    [Theory]
    [MemberData(nameof(Exceptions), DisableDiscoveryEnumeration = true)]
    public async Task Whatever_the_network_throws_is_transient(Exception thrown)
    {
        using var http = new HttpClient(new Throwing(thrown));
        using var sync = new SyncManager(Options(new Uri("http://localhost/")), _store, static (_, _) => ValueTask.FromResult("t"), http);

        var pull = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));

        Assert.Equal(SyncFailureKind.Unreachable, pull.Failure.Kind);
        Assert.True(NetworkFailure.Is(thrown));
    }

    [Fact]
    public async Task A_port_that_takes_and_resets_at_once_is_out_of_reach_and_no_bug()
    {
        await using var port = new ResettingPort();
        using var sync = new SyncManager(Options(port.Address), _store, static (_, _) => ValueTask.FromResult("t"));
        var events = new EventGenerator(new EventGeneratorOptions()).Generate(3).Select(static json => (ReadOnlyMemory<byte>)json).ToList();
        await sync.EnqueueAsync(events, Cancelled);

        // How the kernel reports it depends on the moment: many times over.
        for (var i = 0; i < 40; i++)
        {
            var pull = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));
            var push = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PushAsync(events, cancellationToken: Cancelled));
            var flush = await sync.FlushAsync(cancellationToken: Cancelled);

            Assert.All([pull.Failure, push.Failure, flush.Failure!], static failure => Assert.Equal(SyncFailureKind.Unreachable, failure.Kind));
            Assert.Equal(3, flush.Pending);
        }
    }

    private static SyncOptions Options(Uri server)
        => new() { Server = server, BaseDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(2) };

    private sealed class Throwing(Exception thrown) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => throw thrown;
    }
}
