using System.Text.Json;
using Dequeue.FunctionsHost.Rpc;
using Dequeue.FunctionsHost.Rpc.Messages;
using Dequeue.FunctionsHost.Workers;
using Google.Protobuf;
using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>The orchestrators and activities of the worker's app. While a worker is being started anew, calls wait for it.</summary>
internal sealed class WorkerFunctions : IDurableFunctions
{
    private Dictionary<string, FunctionDefinition> _orchestrators = [];
    private Dictionary<string, FunctionDefinition> _activities = [];
    private WorkerSupervisor _workers = null!;
    private DurableClientBinding _client = null!;

    /// <summary>Takes the functions of the app. Called once, before the engine starts.</summary>
    /// <exception cref="FunctionsHostException">Two have one name for the engine.</exception>
    public void Load(IReadOnlyList<FunctionDefinition> functions, WorkerSupervisor workers, DurableClientBinding client)
    {
        (_workers, _client) = (workers, client);
        _orchestrators = ByName(functions, trigger => (trigger as Trigger.Orchestration)?.Name);
        _activities = ByName(functions, trigger => (trigger as Trigger.Activity)?.Name);
    }

    /// <inheritdoc/>
    public bool HasOrchestrator(string name) => _orchestrators.ContainsKey(name);

    /// <inheritdoc/>
    public bool HasActivity(string name) => _activities.ContainsKey(name);

    /// <inheritdoc/>
    public async Task<OrchestratorResponse> ReplayAsync(string name, OrchestratorRequest request, CancellationToken cancellationToken)
    {
        var function = _orchestrators[name];
        var call = function.Call(new TypedData { String = Convert.ToBase64String(request.ToByteArray()) }, _client);
        var worker = await _workers.GetAsync(cancellationToken);
        var answer = await worker.InvokeAsync(call, cancellationToken);
        return answer.Result.Status == StatusResult.Types.Status.Success
            ? OrchestratorResponse.Parser.ParseFrom(Convert.FromBase64String(answer.ReturnValue.String))
            : Failed(request.InstanceId, Failure(answer.Result));
    }

    /// <inheritdoc/>
    public async Task<ActivityOutcome> CallAsync(string name, string instanceId, int taskId, string? input, CancellationToken cancellationToken)
    {
        var call = _activities[name].Call(new TypedData { Json = input ?? "null" }, _client);
        call.TriggerMetadata["instanceId"] = new TypedData { String = instanceId };
        var worker = await _workers.GetAsync(cancellationToken);
        var answer = await worker.InvokeAsync(call, cancellationToken);
        return answer.Result.Status == StatusResult.Types.Status.Success
            ? new ActivityOutcome.Returned(Json(answer.ReturnValue))
            : new ActivityOutcome.Failed(Failure(answer.Result));
    }

    private static Dictionary<string, FunctionDefinition> ByName(IEnumerable<FunctionDefinition> functions, Func<Trigger, string?> name)
    {
        var found = new Dictionary<string, FunctionDefinition>(StringComparer.OrdinalIgnoreCase);
        foreach (var function in functions)
        {
            if (name(function.Trigger) is { } key && !found.TryAdd(key, function))
                throw new FunctionsHostException($"Functions '{found[key].Name}' and '{function.Name}' have one name for the durable engine: '{key}'.");
        }

        return found;
    }

    private static string? Json(TypedData? value) => value?.DataCase switch
    {
        TypedData.DataOneofCase.Json => value.Json,
        TypedData.DataOneofCase.String => JsonSerializer.Serialize(value.String),
        TypedData.DataOneofCase.Int => JsonSerializer.Serialize(value.Int),
        TypedData.DataOneofCase.Double => JsonSerializer.Serialize(value.Double),
        TypedData.DataOneofCase.Bytes => JsonSerializer.Serialize(value.Bytes.ToByteArray()),
        _ => null,
    };

    // The code was not run, or a middleware of the app threw: the orchestration fails.
    private static OrchestratorResponse Failed(string instanceId, TaskFailureDetails why)
    {
        var response = new OrchestratorResponse { InstanceId = instanceId };
        response.Actions.Add(new OrchestratorAction
        {
            Id = -1,
            CompleteOrchestration = new CompleteOrchestrationAction { OrchestrationStatus = OrchestrationStatus.Failed, FailureDetails = why },
        });
        return response;
    }

    private static TaskFailureDetails Failure(StatusResult result)
        => result.Exception is { } thrown
            ? ActivityFailures.Read(thrown.Message, thrown.Type, thrown.StackTrace)
            : ActivityFailures.Read(result.Result.Length > 0 ? result.Result : "The worker gives no reason.");
}
