using Dequeue.FunctionsHost.Tests.Hosting;

[assembly: AssemblyFixture(typeof(SharedHost))]

namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary>One host with its worker in a child process, for the tests that change neither.</summary>
public sealed class SharedHost : IAsyncLifetime
{
    public const string Key = "k+y/1=";

    internal RunningHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
        => Host = await RunningHost.StartAsync(static options => options with
        {
            Settings = new Dictionary<string, string?>(options.Settings) { ["Functions:Key"] = Key, ["HourlySchedule"] = "0 0 0 1 1 *" },
        });

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
