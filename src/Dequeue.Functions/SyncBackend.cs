using System.Runtime.CompilerServices;
using Azure.Identity;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Health;
using Dequeue.Functions.Http;
using Dequeue.Functions.Live;
using Dequeue.Functions.Site;
using Dequeue.Functions.Pulling;
using Dequeue.Functions.Pushing;
using Dequeue.Functions.Streaming;
using Dequeue.Functions.Sweeping;
using Dequeue.Functions.Telemetry;
using Dequeue.Functions.Upstream;
using Dequeue.Storage;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dequeue.Functions;

/// <summary>The backend's wiring, the same for every host.</summary>
public static class SyncBackend
{
    /// <summary>A host of the functions of this assembly, ready to be built.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="settings">Settings that go before every other source; null in a deployment.</param>
    /// <exception cref="SettingsException">A setting is missing or wrong.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static FunctionsApplicationBuilder CreateBuilder(string[] args, IEnumerable<KeyValuePair<string, string?>>? settings = null)
    {
        var builder = FunctionsApplication.CreateBuilder(args);
        builder.ConfigureFunctionsWebApplication();
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.AddServerHeader = false);

        // Five lines a call go to the host otherwise, whole URLs in them.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);

        // Nothing here is protected by it; it warns at each start of a key that nobody uses.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        if (settings is not null) builder.Configuration.AddInMemoryCollection(settings);
        AddSync(builder.Services, BackendSettings.Read(builder.Configuration, builder.Environment.EnvironmentName));
        builder.Services.AddExporters(builder.Configuration);
        return builder;
    }

    private static void AddSync(IServiceCollection services, BackendSettings settings)
    {
        var storage = Open(() => EventLogStorage.Open(settings.EventLogStorage));
        var shelf = Open(() => PageShelfStorage.Open(settings.References.Storage, settings.References.UrlLife, TimeProvider.System));
        services.AddSingleton(settings);
        services.TryAddSingleton(TimeProvider.System);

        services.AddSingleton<SyncTelemetry>();
        services.AddSingleton<IPartitionedTable>(provider => new CountedTable(storage, provider.GetRequiredService<SyncTelemetry>()));
        services.AddSingleton(provider => new EventLog(
            provider.GetRequiredService<IPartitionedTable>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<EventLog>>())
        {
            OnCommitted = provider.GetRequiredService<LivePublisher>().Publish,
        });
        services.AddSingleton<StreamRegistry>();
        services.AddSingleton(provider => new PageOffers(
            shelf, settings.References.FromBytes, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<PageOffers>>()));

        services.AddSingleton(Connect(settings.WebPubSub));
        services.AddSingleton(provider => new UpstreamProof(settings.WebPubSub, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ConnectionChannel>();
        services.AddSingleton<StreamBatches>();
        services.AddSingleton<StreamSteps>();
        services.AddSingleton<StreamIntake>();
        services.AddSingleton<Negotiation>();

        services.AddSingleton<PushIntake>();
        services.AddSingleton<AbsentUsers>();
        services.AddSingleton<LivePublisher>();
        services.AddHostedService(provider => provider.GetRequiredService<LivePublisher>());

        services.AddSingleton(provider => new TokenVerifier(settings.Auth, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<CallLimiter>();
        services.AddSingleton<CallGate>();
        services.AddSingleton(provider => new RequestBodies(Budget(provider, settings.BodyBytes), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new EventPages(
            provider.GetRequiredService<EventLog>(), Budget(provider, settings.PageBytes), provider.GetRequiredService<TimeProvider>()));

        services.AddSingleton<StreamSweep>();
        services.AddSingleton<HealthProbe>();
        services.AddHostedService<WarmUp>();
        services.AddSingleton<SiteFiles>();
    }

    private static MemoryBudget Budget(IServiceProvider provider, long bytes) => new(bytes, provider.GetRequiredService<TimeProvider>());

    private static T Open<T>(Func<T> open)
    {
        try
        {
            return open();
        }
        catch (FormatException wrong)
        {
            throw new SettingsException(wrong.Message);
        }
    }

    private static WebPubSubServiceClient Connect(WebPubSubSettings settings)
        => settings.ConnectionString is { } connection
            ? new WebPubSubServiceClient(connection, WebPubSubSettings.Hub)
            : new WebPubSubServiceClient(settings.Endpoint, WebPubSubSettings.Hub, new DefaultAzureCredential());
}
