using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>
/// What the worker's durable client calls: starts orchestrations, and deals with them from outside. Refusals have the statuses that
/// the durable extension of the Functions host gives them.
/// </summary>
internal sealed class TaskHubService(DurableEngine engine) : TaskHubSidecarService.TaskHubSidecarServiceBase
{
    private const int DefaultPageSize = 100;
    private const int MaxPageSize = 1000;

    /// <summary>The wait before an instance that is waited for, and that nobody has started, is looked for again.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    public override Task<Empty> Hello(Empty request, ServerCallContext context) => Task.FromResult(new Empty());

    public override async Task<CreateInstanceResponse> StartInstance(CreateInstanceRequest request, ServerCallContext context)
    {
        var instance = new NewInstance(
            string.IsNullOrEmpty(request.InstanceId) ? Guid.NewGuid().ToString("N") : request.InstanceId,
            request.Name,
            request.Version,
            request.Input,
            request.ScheduledStartTimestamp?.ToDateTime() ?? default);
        Accept(Limits.RefuseId(instance.Id));
        Accept(engine.Functions.HasOrchestrator(instance.Name) ? null : $"There is no orchestrator function '{instance.Name}'.");
        Accept(Limits.Refuse(instance.Input, $"The input of orchestrator '{instance.Name}'"));
        var policy = request.OrchestrationIdReusePolicy;
        var created = await WriteAsync(
            write => write.Create(instance, engine.Now, status => policy?.ReplaceableStatus.Contains(status) ?? engine.MayReplace(status)),
            created =>
            {
                if (created is var (execution, start))
                {
                    engine.Begin(instance, execution, start);
                }
            },
            context);
        return created is null
            ? throw Refusal(StatusCode.AlreadyExists, $"An Orchestration instance with the ID {instance.Id} already exists.")
            : new CreateInstanceResponse { InstanceId = instance.Id };
    }

    public override async Task<RaiseEventResponse> RaiseEvent(RaiseEventRequest request, ServerCallContext context)
    {
        Accept(request.Name.Length == 0 ? "An event has a name." : null);
        Accept(Limits.Refuse(request.Input, $"The payload of event '{request.Name}'"));
        var raised = new HistoryEvent(EventKind.EventRaised, Name: request.Name, Payload: request.Input);
        var (taken, status) = await SendAsync(request.InstanceId, raised, context);
        if (!taken && engine.Options.RefusesLostEvents)
        {
            throw status is null
                ? NotFound(request.InstanceId)
                : Refusal(StatusCode.FailedPrecondition, "The orchestration instance with the provided instance id is not running.");
        }

        return new RaiseEventResponse();
    }

    public override async Task<TerminateResponse> TerminateInstance(TerminateRequest request, ServerCallContext context)
    {
        Accept(Limits.Refuse(request.Output, "The output"));
        var (taken, status) = await SendAsync(request.InstanceId, new HistoryEvent(EventKind.Terminate, Payload: request.Output), context);
        return taken ? new TerminateResponse()
            : throw (status is null ? NotFound(request.InstanceId)
                : Refusal(StatusCode.FailedPrecondition, WrongStatus("terminate", request.InstanceId, status.Value)));
    }

    public override async Task<SuspendResponse> SuspendInstance(SuspendRequest request, ServerCallContext context)
    {
        var (taken, status) = await SendAsync(request.InstanceId, new HistoryEvent(EventKind.Suspend, Payload: request.Reason), context);
        return taken ? new SuspendResponse() : throw Untyped("suspend", request.InstanceId, status);
    }

    public override async Task<ResumeResponse> ResumeInstance(ResumeRequest request, ServerCallContext context)
    {
        var (taken, status) = await SendAsync(request.InstanceId, new HistoryEvent(EventKind.Resume, Payload: request.Reason), context);
        return taken ? new ResumeResponse() : throw Untyped("resume", request.InstanceId, status);
    }

    public override Task<GetInstanceResponse> GetInstance(GetInstanceRequest request, ServerCallContext context) =>
        Task.FromResult(Find(request) ?? new GetInstanceResponse());

    public override Task<GetInstanceResponse> WaitForInstanceStart(GetInstanceRequest request, ServerCallContext context) => WaitAsync(
        request, static instance => instance.Started.Task, static status => status != OrchestrationStatus.Pending, context);

    public override Task<GetInstanceResponse> WaitForInstanceCompletion(GetInstanceRequest request, ServerCallContext context) => WaitAsync(
        request, static instance => instance.Ended.Task, static status => !DurableEngine.IsLive(status), context);

    public override Task<QueryInstancesResponse> QueryInstances(QueryInstancesRequest request, ServerCallContext context)
    {
        var query = request.Query ?? new InstanceQuery();
        var size = query.MaxInstanceCount <= 0 ? DefaultPageSize : Math.Min(query.MaxInstanceCount, MaxPageSize);
        var page = Store.Read(database => database.Instances(query, query.ContinuationToken ?? "", size));
        return Task.FromResult(new QueryInstancesResponse
        {
            OrchestrationState = { page },
            ContinuationToken = page.Count == size ? page[^1].InstanceId : null,
        });
    }

    public override async Task<PurgeInstancesResponse> PurgeInstances(PurgeInstancesRequest request, ServerCallContext context)
    {
        var count = request.RequestCase switch
        {
            PurgeInstancesRequest.RequestOneofCase.InstanceId =>
                await WriteAsync(write => write.Purge(request.InstanceId) ? 1 : 0, static _ => { }, context),
            PurgeInstancesRequest.RequestOneofCase.PurgeInstanceFilter =>
                await WriteAsync(write => write.Purge(request.PurgeInstanceFilter), static _ => { }, context),
            PurgeInstancesRequest.RequestOneofCase.InstanceBatch =>
                await WriteAsync(write => request.InstanceBatch.InstanceIds.Count(write.Purge), static _ => { }, context),
            _ => throw Refusal(StatusCode.InvalidArgument, "What to purge is not said."),
        };
        return new PurgeInstancesResponse { DeletedInstanceCount = count, IsComplete = true };
    }

    public override Task<CreateTaskHubResponse> CreateTaskHub(CreateTaskHubRequest request, ServerCallContext context) =>
        throw Unimplemented("creates its task hub by itself");

    public override Task<DeleteTaskHubResponse> DeleteTaskHub(DeleteTaskHubRequest request, ServerCallContext context) =>
        throw Unimplemented("does not delete its task hub: remove its file");

    public override Task<RewindInstanceResponse> RewindInstance(RewindInstanceRequest request, ServerCallContext context) =>
        throw Unimplemented("does not rewind orchestrations");

    public override Task<RestartInstanceResponse> RestartInstance(RestartInstanceRequest request, ServerCallContext context) =>
        throw Unimplemented("does not restart orchestrations: start one with the same input");

    public override Task<ListInstanceIdsResponse> ListInstanceIds(ListInstanceIdsRequest request, ServerCallContext context) =>
        throw Unimplemented("does not list ids alone: query instances");

    public override Task StreamInstanceHistory(
        StreamInstanceHistoryRequest request, IServerStreamWriter<HistoryChunk> responseStream, ServerCallContext context) =>
        throw Unimplemented("does not show histories");

    public override Task<SignalEntityResponse> SignalEntity(SignalEntityRequest request, ServerCallContext context) => throw NoEntities();

    public override Task<GetEntityResponse> GetEntity(GetEntityRequest request, ServerCallContext context) => throw NoEntities();

    public override Task<QueryEntitiesResponse> QueryEntities(QueryEntitiesRequest request, ServerCallContext context) =>
        throw NoEntities();

    public override Task<CleanEntityStorageResponse> CleanEntityStorage(CleanEntityStorageRequest request, ServerCallContext context) =>
        throw NoEntities();

    public override Task GetWorkItems(
        GetWorkItemsRequest request, IServerStreamWriter<WorkItem> responseStream, ServerCallContext context) =>
        throw Unimplemented("hands work to Functions workers alone, by their own protocol");

    private DurableStore Store => engine.Stopping.IsCancellationRequested ? throw Stopped() : engine.Store;

    /// <summary>Sends a message, if the instance takes it; gives whether it does, and its status if there is one.</summary>
    private Task<(bool Taken, OrchestrationStatus? Status)> SendAsync(string id, HistoryEvent message, ServerCallContext context)
    {
        HistoryEvent? stored = null;
        return WriteAsync<(bool Taken, OrchestrationStatus? Status)>(
            write =>
            {
                var status = write.Status(id);
                var taken = status is { } is_ && Takes(is_, message.Kind);
                stored = taken ? write.Post(id, message) : null;
                return (taken, status);
            },
            done =>
            {
                if (done.Taken)
                {
                    engine.Deliver(id, stored!);
                }
            },
            context);
    }

    private static bool Takes(OrchestrationStatus status, EventKind kind) =>
        kind == EventKind.Resume ? status == OrchestrationStatus.Suspended : DurableEngine.IsLive(status);

    private async Task<T> WriteAsync<T>(Func<StoreTransaction, T> body, Action<T> committed, ServerCallContext context)
    {
        var written = Store.WriteAsync(body, committed);
        await UntilStoppedAsync(written, context);
        return await written;
    }

    /// <summary>Waits for an instance, as long as the caller does: it may be started only later.</summary>
    private async Task<GetInstanceResponse> WaitAsync(
        GetInstanceRequest request, Func<Instance, Task> until, Func<OrchestrationStatus, bool> isDone, ServerCallContext context)
    {
        while (true)
        {
            // One that was replaced has ended, and another is there.
            while (engine.FindLive(request.InstanceId) is { } instance && !until(instance).IsCompleted)
            {
                await UntilStoppedAsync(until(instance), context);
            }

            if (Find(request) is { } found && isDone(found.OrchestrationState.OrchestrationStatus))
            {
                return found;
            }

            await UntilStoppedAsync(Task.Delay(LookAgain, context.CancellationToken), context);
        }
    }

    /// <summary>Waits until the caller has gone or the engine stops.</summary>
    private async Task UntilStoppedAsync(Task task, ServerCallContext context)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(engine.Stopping, context.CancellationToken);
        try
        {
            await task.WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            throw engine.Stopping.IsCancellationRequested ? Stopped() : Refusal(StatusCode.Cancelled, "The caller has gone.");
        }
    }

    private GetInstanceResponse? Find(GetInstanceRequest request) =>
        Store.Read(database => database.Instance(request.InstanceId, request.GetInputsAndOutputs)) is { } state
            ? new GetInstanceResponse { Exists = true, OrchestrationState = state }
            : null;

    private static void Accept(string? refusal)
    {
        if (refusal is not null)
        {
            throw Refusal(StatusCode.InvalidArgument, refusal);
        }
    }

    private static string Missing(string id) => $"No instance with ID '{id}' was found.";

    private static string WrongStatus(string verb, string id, OrchestrationStatus status) =>
        $"Cannot {verb} the orchestration instance {id} because instance is in the {status} state.";

    private static RpcException NotFound(string id) => Refusal(StatusCode.NotFound, Missing(id));

    /// <summary>The extension lets these two fall through: a client can tell no more than that it failed.</summary>
    private static RpcException Untyped(string verb, string id, OrchestrationStatus? status) =>
        Refusal(StatusCode.Unknown, status is null ? Missing(id) : WrongStatus(verb, id, status.Value));

    private static RpcException NoEntities() => Unimplemented("does not run durable entities");

    private static RpcException Unimplemented(string what) => Refusal(StatusCode.Unimplemented, $"This host {what}.");

    private static RpcException Stopped() => Refusal(StatusCode.Unavailable, "The durable engine has stopped.");

    private static RpcException Refusal(StatusCode code, string sentence) => new(new Status(code, sentence));
}
