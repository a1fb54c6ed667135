using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dequeue.Client.Hosting;

/// <summary>Registers the client in an app's services.</summary>
public static class DequeueSyncServices
{
    /// <summary>The name of the client's <c>HttpClient</c>: what is configured for it (a proxy, certificates) holds for all its calls.</summary>
    public const string HttpClientName = "Dequeue.Sync";

    /// <summary>
    /// Adds <see cref="SyncManager"/>, and a hosted service that watches and flushes. The app adds an <see cref="IEventStore"/> and a
    /// <see cref="TokenProvider"/>; its <see cref="TimeProvider"/> is used if there is one.
    /// </summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configuration">The section of <see cref="DequeueSyncOptions"/>.</param>
    public static DequeueSyncBuilder AddDequeueSync(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<DequeueSyncOptions>().Bind(configuration);
        return Add(services);
    }

    /// <summary>The same, with options in code.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configure">Sets the options.</param>
    public static DequeueSyncBuilder AddDequeueSync(this IServiceCollection services, Action<DequeueSyncOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<DequeueSyncOptions>().Configure(configure);
        return Add(services);
    }

    private static DequeueSyncBuilder Add(IServiceCollection services)
    {
        services.AddOptions<DequeueSyncOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<DequeueSyncOptions>, OptionsCheck>());
        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(HttpClientName, static http => http.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        services.TryAddSingleton(static provider => new SyncManager(
            provider.GetRequiredService<IOptions<DequeueSyncOptions>>().Value.ToSyncOptions(),
            provider.GetRequiredService<IEventStore>(),
            provider.GetRequiredService<TokenProvider>(),
            provider.GetRequiredService<IHttpClientFactory>().CreateClient(HttpClientName),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SyncManager>>()));
        services.AddHostedService<SyncService>();
        return new DequeueSyncBuilder(services);
    }
}

/// <summary>Goes on with what <see cref="DequeueSyncServices"/> began.</summary>
/// <param name="services">The app's services.</param>
public sealed class DequeueSyncBuilder(IServiceCollection services)
{
    /// <summary>The app's services.</summary>
    public IServiceCollection Services { get; } = services;

    /// <summary>Adds a handler of events.</summary>
    /// <typeparam name="T">Its type, made once.</typeparam>
    public DequeueSyncBuilder AddHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>()
        where T : class, ISyncEventHandler
    {
        Services.AddSingleton<ISyncEventHandler, T>();
        return this;
    }
}
