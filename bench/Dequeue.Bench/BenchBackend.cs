using System.Text;
using Dequeue.SampleEvents;
using Dequeue.Cli.Serving;
using Dequeue.Client;
using Dequeue.Contracts;
using Dequeue.Functions.Auth;

namespace Dequeue.Bench;

/// <summary>A backend in a process and a data folder of its own, with users whose histories were pushed through the API.</summary>
internal sealed class BenchBackend : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly ServerProcess _server;

    private BenchBackend(DirectoryInfo folder, ServerProcess server) => (_folder, _server) = (folder, server);

    /// <summary>Where it answers.</summary>
    public Uri Address => _server.Address;

    /// <summary>CPU time that host and worker have used.</summary>
    public TimeSpan ServerCpu => _server.Cpu;

    /// <summary>Memory that host and worker have now, in bytes.</summary>
    public long ServerMemory => _server.Memory;

    /// <summary>The most memory that host and worker have had, in bytes.</summary>
    public long ServerPeakMemory => _server.PeakMemory;

    /// <summary>Starts one with an empty data folder, ready for calls.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="program">Another build of this program, to compare with; null for this one.</param>
    public static async Task<BenchBackend> StartAsync(CancellationToken cancellationToken, FileInfo? program = null)
    {
        var folder = Directory.CreateTempSubdirectory("dequeue-bench-");
        string[] arguments = ["serve", "--port", "0", "--pubsub-port", "0", "--data", folder.FullName];
        return new BenchBackend(folder, await ServerProcess.StartAsync(arguments, cancellationToken, program));
    }

    /// <summary>A user's token.</summary>
    public TokenProvider SignIn(string user)
    {
        var key = Encoding.UTF8.GetBytes(DataFolder.Open(_folder.FullName).DevSigningKey());
        var token = DevTokens.Create(key, UserId.Parse(user), AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(12));
        return (_, _) => ValueTask.FromResult(token);
    }

    /// <summary>Pushes so many events of a user's.</summary>
    /// <param name="user">The user.</param>
    /// <param name="events">How many events are made up.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="seed">What they are made of: the same seed makes the same events.</param>
    /// <param name="without">A type of which none is pushed, or null.</param>
    /// <param name="lastingTasks">See <see cref="EventGeneratorOptions.LastingTasks"/>.</param>
    public async Task<TokenProvider> PushAsync(
        string user, int events, CancellationToken cancellationToken, long seed = 1, string? without = null, int? lastingTasks = null)
    {
        var tokens = SignIn(user);
        using var pusher = new SyncManager(new SyncOptions { Server = Address }, new InMemoryEventStore(), tokens);
        var left = without is null ? null : Encoding.UTF8.GetBytes($"\"type\":\"{without}\"");
        var life = new EventGeneratorOptions { UserId = "", Seed = seed, LastingTasks = lastingTasks };
        var history = new EventGenerator(life).Generate(events).Where(json => left is null || json.AsSpan().IndexOf(left) < 0);
        await pusher.PushAsync(history.Select(json => (ReadOnlyMemory<byte>)json), null, cancellationToken);
        return tokens;
    }

    /// <summary>One sync of a new device with an empty store in memory.</summary>
    /// <returns>Milliseconds from its first packet to its last event in the store.</returns>
    public static async Task<double> SyncAsync(SyncOptions options, TokenProvider tokens, int events, CancellationToken cancellationToken)
    {
        using var device = new SyncManager(options, new InMemoryEventStore(), tokens);
        var began = TimeProvider.System.GetTimestamp();
        var result = await device.PullAsync(null, cancellationToken);
        var elapsed = TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
        var expected = options.Stream == StreamEndpoint.None ? SyncTransport.Rest : SyncTransport.Stream;
        return result.Added == events && result.Transport == expected
            ? elapsed
            : throw new InvalidOperationException($"{result.Added} of {events} events by {result.Transport}: {result.StreamFailure}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
