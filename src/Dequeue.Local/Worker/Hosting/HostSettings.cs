using Microsoft.Extensions.Configuration;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>What host.json says, as far as the embedded host follows it. An environment variable AzureFunctionsJobHost__… wins over it.</summary>
internal sealed record HostSettings(string RoutePrefix, int MaxConcurrentActivities, int MaxConcurrentOrchestrators)
{
    /// <summary>The Functions host's own defaults: 10 of each for every processor.</summary>
    private static readonly int DefaultConcurrency = 10 * Environment.ProcessorCount;

    public static HostSettings Read(string folder)
    {
        var json = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(folder, "host.json"), optional: true)
            .AddEnvironmentVariables("AzureFunctionsJobHost__")
            .Build();
        return new HostSettings(
            json["extensions:http:routePrefix"] ?? "api",
            Concurrency("maxConcurrentActivityFunctions"),
            Concurrency("maxConcurrentOrchestratorFunctions"));

        int Concurrency(string name) => json[$"extensions:durableTask:{name}"] switch
        {
            null => DefaultConcurrency,
            var text when int.TryParse(text, out var value) && value > 0 => value,
            var text => throw new InvalidOperationException($"host.json: extensions.durableTask.{name} is '{text}', not a number above 0."),
        };
    }
}
