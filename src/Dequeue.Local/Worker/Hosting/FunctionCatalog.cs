using System.Reflection;
using System.Text.RegularExpressions;
using Dequeue.Local.Durable;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>Finds the functions among an app's types, and refuses those that could not run.</summary>
internal static partial class FunctionCatalog
{
    /// <exception cref="InvalidOperationException">A function is declared wrongly; one sentence says which and why.</exception>
    public static IReadOnlyList<Function> Find(IEnumerable<Type> types, string routePrefix)
    {
        var functions = new List<Function>();
        var names = new Dictionary<string, Function>(StringComparer.OrdinalIgnoreCase);
        const BindingFlags All =
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        foreach (var method in types.SelectMany(type => type.GetMethods(All)))
        {
            if (method.GetCustomAttribute<FunctionAttribute>() is not { } attribute)
            {
                continue;
            }

            var function = Declare(attribute.Name, method, routePrefix);
            if (!names.TryAdd(function.Name, function))
            {
                throw new InvalidOperationException(
                    $"Two functions are named '{function.Name}': {names[function.Name].EntryPoint} and {function.EntryPoint}.");
            }

            RefuseSharedRoutes(function, functions);
            functions.Add(function);
        }

        return functions;
    }

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_\-]{0,127}\z")]
    private static partial Regex ValidName { get; }

    private static Function Declare(string name, MethodInfo method, string routePrefix)
    {
        var where = $"Function '{name}' ({method.DeclaringType!.FullName}.{method.Name})";
        if (!ValidName.IsMatch(name))
        {
            throw new InvalidOperationException(
                $"{where}: a name is a letter, then up to 127 letters, digits, underscores and hyphens.");
        }

        if (!method.IsPublic || !method.DeclaringType.IsVisible || method.ContainsGenericParameters)
        {
            throw new InvalidOperationException($"{where} must be a public method of a public class, and not generic.");
        }

        // Asked for once: the runtime does not promise the same objects twice.
        var parameters = method.GetParameters();
        var triggers = parameters.Where(parameter => TriggerOf(parameter) is not null).ToList();
        if (triggers.Count != 1)
        {
            throw new InvalidOperationException($"{where} has {triggers.Count} triggers; it must have one.");
        }

        var trigger = triggers[0];
        switch (TriggerOf(trigger))
        {
            case HttpTriggerAttribute http:
                Require(typeof(HttpRequest));
                var (template, pattern) = Route(routePrefix, http.Route ?? name, where);
                return Create(
                    new Trigger.Http(template, http.Methods?.Select(verb => verb.ToUpperInvariant()).ToArray() ?? [], http.AuthLevel),
                    static invocation => invocation.Http!.Request,
                    parameter => ParameterBinding.DurableClient(parameter) ?? ParameterBinding.RouteValue(parameter, pattern));

            case TimerTriggerAttribute timer:
                Require(typeof(TimerInfo));
                return Create(new Trigger.Timer(timer), static invocation => invocation.TriggerValue, ParameterBinding.DurableClient);

            case OrchestrationTriggerAttribute orchestration:
                Require(typeof(TaskOrchestrationContext));
                return Create(
                    new Trigger.Orchestration(orchestration.Orchestration ?? name),
                    static invocation => invocation.TriggerValue,
                    OrchestrationInput());

            case ActivityTriggerAttribute activity:
                return Create(
                    new Trigger.Activity(activity.Activity ?? name),
                    DurableFunctions.ActivityInput(trigger.ParameterType),
                    parameter => ParameterBinding.DurableClient(parameter) ?? DurableFunctions.InstanceId(parameter));

            default:
                throw new InvalidOperationException($"{where} has an unknown trigger.");
        }

        void Require(Type type)
        {
            if (trigger.ParameterType != type)
            {
                throw new InvalidOperationException($"{where}: parameter '{trigger.Name}' must be of type {type.Name}.");
            }
        }

        Function Create(Trigger kind, Func<Invocation, object?> triggerValue, Func<ParameterInfo, Func<Invocation, object?>?> other) => new(
            name,
            method,
            kind,
            [.. parameters.Select(parameter =>
                (parameter == trigger ? triggerValue : ParameterBinding.Common(parameter) ?? other(parameter))
                ?? throw new InvalidOperationException(
                    $"{where}: parameter '{parameter.Name}' of type {parameter.ParameterType.Name} cannot be bound."))]);
    }

    /// <summary>An orchestrator may take its input as one parameter beside the context.</summary>
    private static Func<ParameterInfo, Func<Invocation, object?>?> OrchestrationInput()
    {
        var taken = false;
        return parameter =>
        {
            if (taken || parameter.IsDefined(typeof(DurableClientAttribute)))
            {
                return null;
            }

            taken = true;
            return DurableFunctions.OrchestrationInput(parameter.ParameterType);
        };
    }

    private static Attribute? TriggerOf(ParameterInfo parameter) => parameter.GetCustomAttributes()
        .FirstOrDefault(attribute => attribute
            is HttpTriggerAttribute or TimerTriggerAttribute or OrchestrationTriggerAttribute or ActivityTriggerAttribute);

    private static (string Template, RoutePattern Pattern) Route(string prefix, string route, string where)
    {
        var template = "/" + string.Join('/', new[] { prefix.Trim('/'), route.TrimStart('/') }.Where(part => part.Length > 0));
        try
        {
            return (template, RoutePatternFactory.Parse(template));
        }
        catch (RoutePatternException exception)
        {
            throw new InvalidOperationException($"{where}: the route '{route}' is not valid: {exception.Message}");
        }
    }

    private static void RefuseSharedRoutes(Function function, List<Function> earlier)
    {
        foreach (var other in earlier)
        {
            if (function.Trigger is Trigger.Http mine && other.Trigger is Trigger.Http theirs
                && string.Equals(Shape(mine.Route), Shape(theirs.Route), StringComparison.OrdinalIgnoreCase)
                && SharedMethods(mine.Methods, theirs.Methods) is { Count: > 0 } shared)
            {
                throw new InvalidOperationException(
                    $"Functions '{other.Name}' and '{function.Name}' both answer {string.Join(", ", shared)} {mine.Route}.");
            }
        }

        // A parameter's name does not tell two routes apart; its place and constraint do.
        static string Shape(string route) => ParameterName.Replace(route.TrimEnd('/'), "{$1");

        static IReadOnlyList<string> SharedMethods(IReadOnlyList<string> mine, IReadOnlyList<string> theirs) =>
            mine.Count == 0 && theirs.Count == 0 ? ["every method of"]
            : mine.Count == 0 ? theirs
            : theirs.Count == 0 ? mine
            : [.. mine.Intersect(theirs)];
    }

    [GeneratedRegex(@"\{(\**)[A-Za-z0-9_]+")]
    private static partial Regex ParameterName { get; }
}
