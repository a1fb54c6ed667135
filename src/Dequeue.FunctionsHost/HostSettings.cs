using System.Globalization;
using Dequeue.FunctionsHost.Durable;
using Microsoft.Extensions.Configuration;

namespace Dequeue.FunctionsHost;

/// <summary>What host.json says, as far as this host follows it. An environment variable AzureFunctionsJobHost__… wins over it.</summary>
/// <param name="RoutePrefix">What the routes of HTTP functions begin with; empty for nothing.</param>
/// <param name="ResponseHeaders">Headers of every answer of an HTTP function.</param>
/// <param name="Durable">What the durable engine is told, but for the path of its file.</param>
internal sealed record HostSettings(
    string RoutePrefix, IReadOnlyDictionary<string, string> ResponseHeaders, DurableOptions Durable)
{
    /// <summary>The Functions host's own defaults: 10 of each for every processor.</summary>
    private static readonly int DefaultConcurrency = 10 * Environment.ProcessorCount;

    /// <exception cref="FunctionsHostException">A value, or the file, cannot be understood.</exception>
    public static HostSettings Read(string folder)
    {
        var file = Path.Combine(folder, "host.json");
        if (!File.Exists(file)) throw new FunctionsHostException($"There is no {file}: is {folder} the folder of a published functions app?");
        IConfigurationRoot json;
        try
        {
            json = new ConfigurationBuilder().AddJsonFile(file, optional: false).AddEnvironmentVariables("AzureFunctionsJobHost__").Build();
        }
        catch (Exception failure) when (failure is InvalidDataException or FormatException)
        {
            throw new FunctionsHostException($"{file} is not valid JSON.", failure);
        }

        return new HostSettings(
            json["extensions:http:routePrefix"] ?? "api",
            json.GetSection("extensions:http:customHeaders").GetChildren().ToDictionary(header => header.Key, header => header.Value ?? ""),
            ReadDurable(json.GetSection("extensions:durableTask")));
    }

    private static DurableOptions ReadDurable(IConfigurationSection json)
    {
        var (activities, orchestrators) = (Concurrency("maxConcurrentActivityFunctions"), Concurrency("maxConcurrentOrchestratorFunctions"));
        var replacesLive = "AnyState".Equals(json["overridableExistingInstanceStates"], StringComparison.OrdinalIgnoreCase);

        // The provider of Azure Storage refuses an event that nobody can take; others do when told to.
        var isAzureStorage = json["storageProvider:type"] is null or "AzureStorage";
        var refusesLostEvents = isAzureStorage || "true".Equals(json["throwStatusExceptionsOnRaiseEvent"], StringComparison.OrdinalIgnoreCase);
        return new DurableOptions("", activities, orchestrators) { ReplacesLive = replacesLive, RefusesLostEvents = refusesLostEvents };

        int Concurrency(string name) => json[name] switch
        {
            null => DefaultConcurrency,
            var text when int.TryParse(text, CultureInfo.InvariantCulture, out var value) && value > 0 => value,
            var text => throw new FunctionsHostException($"host.json: extensions.durableTask.{name} is '{text}', not a number above 0."),
        };
    }
}
