using System.Runtime.CompilerServices;

namespace Dequeue.Local.Durable.Engine;

/// <summary>The client of an engine in the same process.</summary>
internal sealed class EngineClient(DurableEngine engine) : DurableTaskClient("local")
{
    /// <summary>Azure Storage takes no more.</summary>
    private const int MaxIdLength = 100;

    public override async Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        engine.Registry.RequireOrchestrator(orchestratorName.Name);
        var id = options?.InstanceId ?? Guid.NewGuid().ToString("N");
        RequireValidId(id);
        var text = engine.Payload.Write(input, $"The input of orchestrator '{orchestratorName.Name}'");
        var now = engine.Clock.GetUtcNow().UtcDateTime;
        var created = await engine.Store.WriteAsync(
            write => write.Create(id, orchestratorName.Name, text, now, options?.StartAt?.UtcDateTime ?? default),
            created =>
            {
                if (created is { } instance)
                {
                    engine.Begin(id, orchestratorName.Name, instance.Execution, instance.Start);
                }
            }).WaitAsync(cancellation);
        return created is null
            ? throw new Exceptions.OrchestrationAlreadyExistsException($"An Orchestration instance with the ID {id} already exists.")
            : id;
    }

    public override Task RaiseEventAsync(
        string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        var text = engine.Payload.Write(eventPayload, $"The payload of event '{eventName}'");
        return SendAsync(
            instanceId, new HistoryEvent(EventKind.EventRaised, Name: eventName, Payload: text), $"raise event {eventName} for", cancellation);
    }

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        WaitAsync(instanceId, static instance => instance.Started.Task, getInputsAndOutputs, cancellation);

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        WaitAsync(instanceId, static instance => instance.Ended.Task, getInputsAndOutputs, cancellation);

    public override Task TerminateInstanceAsync(
        string instanceId, TerminateInstanceOptions? options = null, CancellationToken cancellation = default) => SendAsync(
        instanceId, new HistoryEvent(EventKind.Terminate, Payload: engine.Payload.Write(options?.Output, "The output")), "terminate", cancellation);

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        SendAsync(instanceId, new HistoryEvent(EventKind.Suspend, Payload: reason), "suspend", cancellation);

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        SendAsync(instanceId, new HistoryEvent(EventKind.Resume, Payload: reason), "resume", cancellation);

    public override Task<OrchestrationMetadata?> GetInstanceAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        return Task.FromResult(Find(instanceId, getInputsAndOutputs));
    }

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(OrchestrationQuery? filter = null) =>
        new Pages(engine, filter ?? new OrchestrationQuery());

    public override async Task<PurgeResult> PurgeInstanceAsync(
        string instanceId, PurgeInstanceOptions? options = null, CancellationToken cancellation = default) =>
        new(await engine.Store.WriteAsync(write => write.Purge(instanceId)).WaitAsync(cancellation) ? 1 : 0);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void RequireValidId(string id)
    {
        if (id.Length is 0 or > MaxIdLength || id[0] == '@' || id.AsSpan().IndexOfAny("/\\#?") >= 0 || id.Any(char.IsControl))
        {
            throw new ArgumentException(
                $"An instance id has 1 to {MaxIdLength} characters, does not begin with '@', and has no '/', '\\', '#', '?' or control character.");
        }
    }

    private async Task SendAsync(string id, HistoryEvent message, string verb, CancellationToken cancellation)
    {
        var (status, stored) = await engine.Store.WriteAsync(
            write => write.Status(id) is var status && Takes(status, message.Kind) ? (status, write.Post(id, message)) : (status, null),
            done =>
            {
                if (done.Item2 is { } stored)
                {
                    engine.Deliver(id, stored);
                }
            }).WaitAsync(cancellation);
        if (stored is null)
        {
            throw new RefusedByHostException(status is null
                ? $"No instance with ID '{id}' was found."
                : $"Cannot {verb} the orchestration instance {id} because instance is in the {status} state.");
        }
    }

    private static bool Takes(OrchestrationRuntimeStatus? status, EventKind kind) => kind == EventKind.Resume
        ? status is OrchestrationRuntimeStatus.Suspended
        : status is OrchestrationRuntimeStatus.Pending or OrchestrationRuntimeStatus.Running or OrchestrationRuntimeStatus.Suspended;

    private async Task<OrchestrationMetadata> WaitAsync(
        string id, Func<Instance, Task> until, bool withValues, CancellationToken cancellation)
    {
        if (engine.FindLive(id) is { } instance)
        {
            await until(instance).WaitAsync(cancellation);
        }

        return Find(id, withValues) ?? throw new InvalidOperationException($"There is no orchestration instance with the ID {id}.");
    }

    private OrchestrationMetadata? Find(string id, bool withValues) =>
        engine.Store.Read(database => database.Instance(id, engine.Payload.Options, withValues));

    /// <summary>
    /// In Azure this is a gRPC exception, of a type that an app does not name: an app that is ready for it catches Exception.
    /// </summary>
    private sealed class RefusedByHostException(string message) : Exception(message);

    private sealed class Pages(DurableEngine engine, OrchestrationQuery query) : AsyncPageable<OrchestrationMetadata>
    {
        public override async IAsyncEnumerable<Page<OrchestrationMetadata>> AsPages(
            string? continuationToken = default, int? pageSizeHint = default)
        {
            var size = Math.Clamp(pageSizeHint ?? query.PageSize, 1, 1000);
            var after = continuationToken ?? query.ContinuationToken ?? "";
            while (true)
            {
                var page = await Task.FromResult(
                    engine.Store.Read(database => database.Instances(query, after, size, engine.Payload.Options)));
                var more = page.Count == size;
                after = more ? page[^1].InstanceId : "";
                yield return new Page<OrchestrationMetadata>(page, more ? after : null);
                if (!more)
                {
                    yield break;
                }
            }
        }
    }
}
