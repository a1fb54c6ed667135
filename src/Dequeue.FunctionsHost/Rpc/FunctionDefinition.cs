using System.Diagnostics;
using System.Text.Json;
using Dequeue.FunctionsHost.Durable;
using Dequeue.FunctionsHost.Rpc.Messages;

namespace Dequeue.FunctionsHost.Rpc;

/// <summary>A function as its worker describes it.</summary>
/// <param name="Name">Its name, unique in the app whatever the case.</param>
/// <param name="Id">What it is invoked by.</param>
/// <param name="Trigger">What invokes it.</param>
/// <param name="DurableClients">The names of the bindings that want the durable client.</param>
/// <param name="Metadata">What the worker said; handed back when the function is loaded.</param>
internal sealed record FunctionDefinition(
    string Name, string Id, Trigger Trigger, IReadOnlyList<string> DurableClients, RpcFunctionMetadata Metadata)
{
    /// <summary>Reads a description.</summary>
    /// <exception cref="FunctionsHostException">A binding is of a kind that this host does not have, or is malformed.</exception>
    public static FunctionDefinition Read(RpcFunctionMetadata metadata)
    {
        Trigger? trigger = null;
        var clients = new List<string>();
        foreach (var text in metadata.RawBindings)
        {
            using var json = JsonDocument.Parse(text);
            var binding = json.RootElement;
            var (type, name) = (Text(binding, "type") ?? "", Text(binding, "name") ?? "");
            if (type.Equals("durableClient", StringComparison.OrdinalIgnoreCase)) clients.Add(name);
            else if (ReadTrigger(metadata.Name, type, name, binding) is { } found) trigger = found;
            else if (!type.Equals("http", StringComparison.OrdinalIgnoreCase))
                throw new FunctionsHostException($"Function '{metadata.Name}' has a binding of type '{type}', which this host does not run: it has HTTP, timer and durable ones.");
        }

        return trigger is null
            ? throw new FunctionsHostException($"Function '{metadata.Name}' has no trigger.")
            : new FunctionDefinition(metadata.Name, metadata.FunctionId, trigger, clients, metadata);
    }

    /// <summary>Refuses functions that share a name.</summary>
    /// <exception cref="FunctionsHostException">Two do.</exception>
    public static void RequireDistinct(IEnumerable<FunctionDefinition> functions)
    {
        var twice = functions.GroupBy(function => function.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null) throw new FunctionsHostException($"Two functions are named '{twice.Key}'.");
    }

    /// <summary>A call of this function.</summary>
    /// <param name="input">What its trigger gives it.</param>
    /// <param name="durableClient">What its durable client is made of.</param>
    public InvocationRequest Call(TypedData input, DurableClientBinding durableClient)
    {
        // The worker reads the trace context of every call, whether there is one or not.
        var trace = new RpcTraceContext { TraceParent = Activity.Current?.Id ?? "", TraceState = Activity.Current?.TraceStateString ?? "" };
        var call = new InvocationRequest { InvocationId = Guid.NewGuid().ToString(), FunctionId = Id, TraceContext = trace };
        call.InputData.Add(new ParameterBinding { Name = Trigger.Binding, Data = input });
        foreach (var client in DurableClients) call.InputData.Add(durableClient.For(client));
        return call;
    }

    private static Trigger? ReadTrigger(string function, string type, string name, JsonElement binding)
        => type.ToLowerInvariant() switch
        {
            "httptrigger" => new Trigger.Http(name, Text(binding, "route") ?? function, Methods(binding), IsAnonymous(binding)),
            "timertrigger" => new Trigger.Timer(
                name, Text(binding, "schedule") ?? "", Flag(binding, "runOnStartup", false), Flag(binding, "useMonitor", true)),
            "orchestrationtrigger" => new Trigger.Orchestration(name, Text(binding, "orchestration") ?? function),
            "activitytrigger" => new Trigger.Activity(name, Text(binding, "activity") ?? function),
            _ => null,
        };

    private static bool IsAnonymous(JsonElement binding) => "anonymous".Equals(Text(binding, "authLevel"), StringComparison.OrdinalIgnoreCase);

    private static IReadOnlyList<string> Methods(JsonElement binding)
        => Property(binding, "methods") is { ValueKind: JsonValueKind.Array } methods
            ? [.. methods.EnumerateArray().Select(method => method.GetString()!.ToUpperInvariant())]
            : [];

    private static bool Flag(JsonElement binding, string name, bool otherwise)
        => Property(binding, name) switch
        {
            { ValueKind: JsonValueKind.True } => true,
            { ValueKind: JsonValueKind.False } => false,
            { ValueKind: JsonValueKind.String } text => bool.Parse(text.GetString()!),
            _ => otherwise,
        };

    private static string? Text(JsonElement binding, string name)
        => Property(binding, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static JsonElement? Property(JsonElement binding, string name)
    {
        foreach (var property in binding.EnumerateObject())
        {
            if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) return property.Value;
        }

        return null;
    }
}
