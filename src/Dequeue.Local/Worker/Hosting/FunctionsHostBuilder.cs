using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Constraints;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>Puts the host of an app together: configuration, functions, their pipeline, the web server.</summary>
internal sealed class FunctionsHostBuilder
{
    /// <summary>Where Core Tools listens when nothing else is said.</summary>
    private const string DefaultPort = "7071";

    private readonly IReadOnlyList<Function> _functions;
    private readonly List<Func<FunctionExecutionDelegate, FunctionExecutionDelegate>> _middleware = [];
    private FunctionExecutionDelegate? _pipeline;
    private bool _hasHttp;
    private bool _hasBuilt;

    public FunctionsHostBuilder(string[] args, Assembly assembly)
    {
        var folder = Path.GetDirectoryName(assembly.Location) is { Length: > 0 } found ? found : AppContext.BaseDirectory;
        Web = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            // Settings are read once: each watched file would cost one of the machine's few watchers.
            Args = [.. args, "--hostBuilder:reloadConfigOnChange=false"],
            ApplicationName = assembly.GetName().Name,
            ContentRootPath = folder,
            EnvironmentName = Environment.GetEnvironmentVariable("AZURE_FUNCTIONS_ENVIRONMENT") ?? Environments.Development,
        });
        LocalSettings.AddTo(Web.Configuration, folder);
        var settings = HostSettings.Read(folder);
        _functions = FunctionCatalog.Find(assembly.GetTypes(), settings.RoutePrefix);
        Listen(args);
        Web.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);

        // Those messages hold whole URLs, and so the tokens in query strings.
        Web.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        Web.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
        Web.Services.TryAddSingleton(TimeProvider.System);
        DurableFunctions.AddEngine(Web.Services, _functions, settings, () => _pipeline!);
        if (_functions.Any(function => function.Trigger is Trigger.Timer))
        {
            Web.Services.AddSingleton<IHostedService>(services => new TimerFunctions(
                _functions,
                () => _pipeline!,
                services.GetRequiredService<IServiceScopeFactory>(),
                services.GetRequiredService<IConfiguration>(),
                services.GetRequiredService<TimeProvider>(),
                services.GetRequiredService<ILoggerFactory>().CreateLogger("Dequeue.Local.Worker")));
        }
    }

    public WebApplicationBuilder Web { get; }

    public void UseHttp()
    {
        if (_hasHttp)
        {
            return;
        }

        _hasHttp = true;
        Web.Services.Configure<RouteOptions>(options => options.SetParameterPolicy<RegexInlineRouteConstraint>("regex"));
        if (_functions.Any(function => function.Trigger is Trigger.Http && MayGiveActionResult(MethodCall.ResultOf(function.Method))))
        {
            Web.Services.AddMvcCore();
        }
    }

    public void Use(Func<FunctionExecutionDelegate, FunctionExecutionDelegate> middleware)
    {
        ObjectDisposedException.ThrowIf(_hasBuilt, this);
        _middleware.Add(middleware);
    }

    public IHost Build()
    {
        if (_hasBuilt)
        {
            throw new InvalidOperationException("The application has already been built.");
        }

        _hasBuilt = true;
        if (!_hasHttp && _functions.FirstOrDefault(function => function.Trigger is Trigger.Http) is { } http)
        {
            throw new InvalidOperationException($"Function '{http.Name}' needs ConfigureFunctionsWebApplication().");
        }

        FunctionExecutionDelegate pipeline = static async context =>
        {
            var invocation = (Invocation)context;
            invocation.Result = await invocation.Function.CallAsync(invocation);
        };
        foreach (var middleware in Enumerable.Reverse(_middleware))
        {
            pipeline = middleware(pipeline);
        }

        _pipeline = pipeline;

        var app = Web.Build();
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Dequeue.Local.Worker");
        new HttpFunctions(pipeline, new KeyCheck(app.Configuration[KeyCheck.Setting]), logger).Map(app, _functions);
        return app;
    }

    private static bool MayGiveActionResult(Type result) => result == typeof(object) || typeof(IActionResult).IsAssignableFrom(result);

    /// <summary>--port, else --urls or ASPNETCORE_URLS, else Host:LocalHttpPort, else 7071; on this machine alone unless a URL says more.</summary>
    private void Listen(string[] args)
    {
        var port = new ConfigurationBuilder().AddCommandLine(args).Build()["port"];
        if (port is null && !string.IsNullOrEmpty(Web.Configuration[WebHostDefaults.ServerUrlsKey]))
        {
            return;
        }

        port ??= Web.Configuration["Host:LocalHttpPort"] ?? DefaultPort;
        if (!ushort.TryParse(port, out _))
        {
            throw new InvalidOperationException($"The port '{port}' is not a number from 0 to 65535.");
        }

        Web.WebHost.UseUrls($"http://127.0.0.1:{port}");
    }
}
