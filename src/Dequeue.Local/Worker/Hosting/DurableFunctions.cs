using System.Reflection;
using System.Text.Json;
using Dequeue.Local.Durable;
using Dequeue.Local.Durable.Engine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>Where functions and the durable engine meet.</summary>
internal static class DurableFunctions
{
    /// <summary>The setting that says where the engine's file is.</summary>
    private const string PathSetting = "Durable:Path";

    /// <summary>Adds the engine to an app that has orchestrators, activities or clients of them.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="functions">Its functions.</param>
    /// <param name="settings">What host.json says.</param>
    /// <param name="pipeline">What functions run through; known once the app is built.</param>
    public static void AddEngine(
        IServiceCollection services, IReadOnlyList<Function> functions, HostSettings settings, Func<FunctionExecutionDelegate> pipeline)
    {
        var orchestrators = ByName(functions, static trigger => (trigger as Trigger.Orchestration)?.Name);
        var activities = ByName(functions, static trigger => (trigger as Trigger.Activity)?.Name);
        var hasClient = functions.Any(function => function.Method.GetParameters().Any(parameter => parameter.IsDefined(typeof(DurableClientAttribute))));
        if (orchestrators.Count + activities.Count == 0 && !hasClient)
        {
            return;
        }

        // As the worker does; the app may configure it further.
        services.Configure<JsonSerializerOptions>(options => options.PropertyNameCaseInsensitive = true);
        var registry = new DurableRegistry(
            orchestrators.ToDictionary(pair => pair.Key, pair => Orchestrator(pair.Value, pipeline)),
            activities.ToDictionary(pair => pair.Key, pair => Activity(pair.Value, pipeline)));
        services.AddSingleton(provider =>
        {
            var path = provider.GetRequiredService<IConfiguration>()[PathSetting];
            var options = new DurableOptions(
                string.IsNullOrEmpty(path) ? Path.Combine(".dequeue", "durable.db") : path,
                settings.MaxConcurrentActivities,
                settings.MaxConcurrentOrchestrators,
                provider.GetRequiredService<IOptions<JsonSerializerOptions>>().Value);
            return new DurableEngine(
                options,
                registry,
                provider.GetRequiredService<IServiceScopeFactory>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILoggerFactory>());
        });
        services.AddSingleton<EngineClient>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<DurableEngine>());
    }

    public static object? ClientOf(Invocation invocation) => invocation.InstanceServices.GetRequiredService<EngineClient>();

    public static Func<Invocation, object?> ActivityInput(Type type) => invocation =>
        PayloadOf(invocation).Read(((ActivityCall)invocation.TriggerValue!).Input, type);

    public static Func<Invocation, object?> OrchestrationInput(Type type) => invocation =>
        ((OrchestrationRun)invocation.TriggerValue!).GetInput(type);

    /// <summary>An activity's parameter <c>string instanceId</c>; null for any other.</summary>
    public static Func<Invocation, object?>? InstanceId(ParameterInfo parameter) =>
        parameter.Name == "instanceId" && parameter.ParameterType == typeof(string)
            ? static invocation => ((ActivityCall)invocation.TriggerValue!).InstanceId
            : null;

    private static Payload PayloadOf(Invocation invocation) => invocation.InstanceServices.GetRequiredService<DurableEngine>().Payload;

    private static Dictionary<string, Function> ByName(IEnumerable<Function> functions, Func<Trigger, string?> name)
    {
        var found = new Dictionary<string, Function>(StringComparer.OrdinalIgnoreCase);
        foreach (var function in functions)
        {
            if (name(function.Trigger) is { } key && !found.TryAdd(key, function))
            {
                throw new InvalidOperationException(
                    $"Functions '{found[key].Name}' and '{function.Name}' have one name for the durable engine: '{key}'.");
            }
        }

        return found;
    }

    private static OrchestratorBody Orchestrator(Function function, Func<FunctionExecutionDelegate> pipeline) =>
        (services, context) => InvokeAsync(new Invocation(function, services, CancellationToken.None) { TriggerValue = context }, pipeline());

    private static ActivityBody Activity(Function function, Func<FunctionExecutionDelegate> pipeline) =>
        (services, call, cancellationToken) =>
            InvokeAsync(new Invocation(function, services, cancellationToken) { TriggerValue = call }, pipeline());

    private static async Task<object?> InvokeAsync(Invocation invocation, FunctionExecutionDelegate pipeline)
    {
        await pipeline(invocation);
        return invocation.Result;
    }
}
