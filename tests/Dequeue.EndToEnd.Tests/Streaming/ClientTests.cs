using System.Net;
using System.Net.Sockets;
using System.Text;
using Dequeue.Client;
using Dequeue.Client.Sqlite;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Streaming;

/// <summary>The .NET client against the real server, with everything that it can ask for.</summary>
public sealed class ClientTests(Backend backend, Azurite azurite)
{
    private static readonly StreamPriority Active = new([], Active: true);

    private static readonly Dictionary<string, Func<SyncOptions, SyncOptions>> Wishes = new()
    {
        ["nothing"] = static options => options with { Encodings = [] },
        ["gzip"] = static options => options,
        ["br"] = static options => options with { Encodings = [BatchEncodings.Brotli] },
        ["zstd"] = static options => options with { Encodings = [BatchEncodings.Zstandard] },
        ["window 1"] = static options => options with { Window = 1 },
        ["window 8, small batches"] = static options => options with { Window = 8, BatchSize = 90 },
        ["deltas"] = static options => options with { Delta = true },
        ["deltas, small batches, zstd"] = static options => options with { Delta = true, BatchSize = 70, Encodings = [BatchEncodings.Zstandard] },
        ["references"] = static options => options with { References = true },
        ["references, window 2"] = static options => options with { References = true, Window = 2 },
        ["references, priority"] = static options => options with { References = true, Priority = Active },
        ["priority"] = static options => options with { Priority = Active },
        ["all"] = static options => options with { Window = 2, BatchSize = 300, Delta = true, References = true, Priority = Active },
        ["all through the gateway"] = static options => options with { Window = 3, Delta = true, References = true, Priority = Active, Stream = StreamEndpoint.Gateway },
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Wishes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Whatever_is_asked_for_the_history_is_the_same(string name)
    {
        await using var referring = Wishes[name](Options(backend)).References ? await ReferringAsync() : null;
        var user = (referring ?? backend).NewUser();
        var pushed = await user.PushHistoryAsync(4_300);
        var options = Wishes[name](Options(user.Backend));
        var store = new InMemoryEventStore();
        using var sync = new SyncManager(options, store, (_, _) => ValueTask.FromResult(user.Token));

        var first = await sync.PullAsync(cancellationToken: Stop);
        pushed.AddRange(await user.PushHistoryAsync(2_150, seed: 2));
        var second = await sync.PullAsync(cancellationToken: Stop);

        Assert.Equal((null, null), (first.StreamFailure, second.StreamFailure));
        Assert.Equal((true, true, 0, 4_300, 2_150), (first.DigestVerified, second.DigestVerified, (int)first.Repaired, (int)first.Added, (int)second.Added));
        Assert.Equal(options.Priority is not null, first.ReadySeconds is not null);
        var (wanted, held) = (pushed.Select(Encoding.UTF8.GetString), store.Events.Select(static json => Encoding.UTF8.GetString(json.Span)));
        // What comes first stands first.
        if (options.Priority is null) Assert.Equal(wanted, held);
        else Assert.Equal(wanted.Order(StringComparer.Ordinal), held.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_damaged_on_the_way_is_repaired_alone(bool inSqlite)
    {
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(5_000);
        using var proxy = new DamagingProxy(backend.Address);
        var folder = Directory.CreateTempSubdirectory("dequeue-");
        await using var sqlite = await SqliteEventStore.OpenAsync(Path.Combine(folder.FullName, "device.db"), Stop);
        var memory = new InMemoryEventStore();
        using var sync = new SyncManager(
            Options(backend) with { Server = proxy.Address, Stream = StreamEndpoint.Gateway, Encodings = [] }, inSqlite ? sqlite : memory, (_, _) => ValueTask.FromResult(user.Token));

        var result = await sync.PullAsync(cancellationToken: Stop);

        Assert.Equal((1_000, 5_000, true), ((int)result.Repaired, (int)result.Added, result.DigestVerified));
        List<string> held = [.. memory.Events.Select(static json => Encoding.UTF8.GetString(json.Span))];
        await foreach (var json in sqlite.ReadAsync(Stop)) held.Add(Encoding.UTF8.GetString(json.Span));
        Assert.Equal(pushed.Select(Encoding.UTF8.GetString), held);
    }

    private static SyncOptions Options(Backend server) => new() { Server = server.Address };

    private async Task<Backend> ReferringAsync()
    {
        try
        {
            return await Backend.StartAsync(new Dictionary<string, string?>
            {
                ["References:Storage"] = await azurite.BlobConnectionStringAsync(),
                ["References:FromMegabytes"] = "0",
                ["Limits:CallsPerSecond"] = "2000",
            });
        }
        catch (NodeUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    /// <summary>Passes TCP on, and alters one event of the first stream: what the server sends over a WebSocket has no checksum.</summary>
    private sealed class DamagingProxy : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Uri _target;
        private bool _isDone;

        public DamagingProxy(Uri target)
        {
            _target = target;
            _listener.Start();
            _ = AcceptAsync();
        }

        public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Stop();
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _ = PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Disposed.
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
                    var up = client.GetStream().CopyToAsync(server.GetStream(), _stop.Token);
                    await Task.WhenAny(up, DownAsync(server.GetStream(), client.GetStream()));
                }
                catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
                {
                    // One side is gone: both go.
                }
            }
        }

        private async Task DownAsync(NetworkStream from, NetworkStream to)
        {
            var buffer = new byte[64 * 1024];
            for (int read; (read = await from.ReadAsync(buffer, _stop.Token)) > 0;)
            {
                var version = buffer.AsSpan(0, read).IndexOf("\"payload_version\":2"u8);
                if (version >= 0 && !_isDone)
                {
                    _isDone = true;
                    buffer[version + 18] = (byte)'3';
                }

                await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
    }
}
