using System.Reflection;
using Dequeue.Local.Worker.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Worker;

/// <summary>Builds the host of a Functions app.</summary>
public class FunctionsApplicationBuilder : IHostApplicationBuilder, IFunctionsWorkerApplicationBuilder
{
    private readonly WebApplicationBuilder _web;
    private readonly FunctionsHostBuilder _host;

    internal FunctionsApplicationBuilder(string[] args, Assembly assembly)
    {
        _host = new FunctionsHostBuilder(args, assembly);
        _web = _host.Web;
    }

    /// <inheritdoc/>
    public IDictionary<object, object> Properties => ((IHostApplicationBuilder)_web).Properties;

    /// <summary>The app's configuration: appsettings.json, local.settings.json, the environment, the command line; the later wins.</summary>
    public ConfigurationManager Configuration => _web.Configuration;

    IConfigurationManager IHostApplicationBuilder.Configuration => _web.Configuration;

    /// <summary>The environment; its name is <c>AZURE_FUNCTIONS_ENVIRONMENT</c>, or Development.</summary>
    public IHostEnvironment Environment => _web.Environment;

    /// <inheritdoc/>
    public ILoggingBuilder Logging => _web.Logging;

    /// <inheritdoc/>
    public IMetricsBuilder Metrics => _web.Metrics;

    /// <summary>The app's services. An ASP.NET Core <c>IStartupFilter</c> among them is honoured.</summary>
    public IServiceCollection Services => _web.Services;

    /// <inheritdoc/>
    public void ConfigureContainer<TContainerBuilder>(
        IServiceProviderFactory<TContainerBuilder> factory, Action<TContainerBuilder>? configure = null)
        where TContainerBuilder : notnull => ((IHostApplicationBuilder)_web).ConfigureContainer(factory, configure);

    /// <inheritdoc/>
    public IFunctionsWorkerApplicationBuilder Use(Func<FunctionExecutionDelegate, FunctionExecutionDelegate> middleware)
    {
        _host.Use(middleware);
        return this;
    }

    /// <summary>The host, ready to start.</summary>
    /// <exception cref="InvalidOperationException">The app cannot run; one sentence says why.</exception>
    public IHost Build() => _host.Build();

    internal void UseHttp() => _host.UseHttp();
}

/// <summary>HTTP functions by ASP.NET Core.</summary>
public static class FunctionsApplicationBuilderAspNetCoreExtensions
{
    /// <summary>Lets HTTP functions take <see cref="Microsoft.AspNetCore.Http.HttpRequest"/> and return ASP.NET Core results.</summary>
    public static FunctionsApplicationBuilder ConfigureFunctionsWebApplication(this FunctionsApplicationBuilder builder)
    {
        builder.UseHttp();
        return builder;
    }
}
