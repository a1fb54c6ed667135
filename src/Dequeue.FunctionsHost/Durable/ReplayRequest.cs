using Google.Protobuf.WellKnownTypes;
using P = Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>What the worker needs for a step: all that has happened to an instance, and what is new.</summary>
internal sealed class ReplayRequest
{
    /// <summary>The number of what nobody asked for.</summary>
    private const int Unasked = -1;

    private readonly Instance _instance;
    private Timestamp _now = new();

    private ReplayRequest(Instance instance) => _instance = instance;

    public static P.OrchestratorRequest Of(Instance instance, IEnumerable<HistoryEvent> past, IEnumerable<HistoryEvent> fresh)
    {
        var events = new ReplayRequest(instance);
        return new P.OrchestratorRequest
        {
            InstanceId = instance.Id,
            ExecutionId = instance.ExecutionId,
            PastEvents = { past.Select(events.Convert) },
            NewEvents = { fresh.Select(events.Convert) },
        };
    }

    private P.HistoryEvent Convert(HistoryEvent happened)
    {
        if (happened.Kind == EventKind.StepStarted)
        {
            _now = Timestamp.FromDateTime(happened.At);
        }

        var converted = new P.HistoryEvent { EventId = Unasked, Timestamp = _now };
        switch (happened.Kind)
        {
            case EventKind.StepStarted:
                converted.OrchestratorStarted = new P.OrchestratorStartedEvent();
                break;
            case EventKind.ExecutionStarted:
                converted.ExecutionStarted = Start(happened);
                break;
            case EventKind.ActivityScheduled:
                converted.EventId = happened.TaskId;
                converted.TaskScheduled = new P.TaskScheduledEvent { Name = happened.Name };
                break;
            case EventKind.ActivityCompleted:
                converted.TaskCompleted = new P.TaskCompletedEvent { TaskScheduledId = happened.TaskId, Result = happened.Payload };
                break;
            case EventKind.ActivityFailed:
                converted.TaskFailed = new P.TaskFailedEvent
                {
                    TaskScheduledId = happened.TaskId,
                    FailureDetails = Failure.Read(happened.Payload!),
                };
                break;
            case EventKind.TimerCreated:
                converted.EventId = happened.TaskId;
                converted.TimerCreated = new P.TimerCreatedEvent { FireAt = Timestamp.FromDateTime(happened.At) };
                break;
            case EventKind.TimerFired:
                converted.TimerFired = new P.TimerFiredEvent
                {
                    TimerId = happened.TaskId,
                    FireAt = Timestamp.FromDateTime(DateTime.SpecifyKind(happened.At, DateTimeKind.Utc)),
                };
                break;
            case EventKind.EventRaised:
                converted.EventRaised = new P.EventRaisedEvent { Name = happened.Name, Input = happened.Payload };
                break;
            case EventKind.EventSent:
                var (target, name) = Split(happened.Name!);
                converted.EventId = happened.TaskId;
                converted.EventSent = new P.EventSentEvent { InstanceId = target, Name = name };
                break;
            case EventKind.ChildScheduled:
                var (child, orchestrator) = Split(happened.Name!);
                converted.EventId = happened.TaskId;
                converted.SubOrchestrationInstanceCreated = new P.SubOrchestrationInstanceCreatedEvent
                {
                    InstanceId = child,
                    Name = orchestrator,
                };
                break;
            case EventKind.ChildCompleted:
                converted.SubOrchestrationInstanceCompleted = new P.SubOrchestrationInstanceCompletedEvent
                {
                    TaskScheduledId = happened.TaskId,
                    Result = happened.Payload,
                };
                break;
            case EventKind.ChildFailed:
                converted.SubOrchestrationInstanceFailed = new P.SubOrchestrationInstanceFailedEvent
                {
                    TaskScheduledId = happened.TaskId,
                    FailureDetails = Failure.Read(happened.Payload!),
                };
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(happened), happened.Kind, "Not history.");
        }

        return converted;
    }

    private P.ExecutionStartedEvent Start(HistoryEvent start) => new()
    {
        Name = _instance.Name,
        Version = _instance.Version,
        Input = start.Payload,
        OrchestrationInstance = new P.OrchestrationInstance { InstanceId = _instance.Id, ExecutionId = _instance.ExecutionId },
        ParentInstance = _instance.Parent is { } parent
            ? new P.ParentInstanceInfo
            {
                TaskScheduledId = parent.TaskId,
                Name = parent.Name,
                OrchestrationInstance = new P.OrchestrationInstance { InstanceId = parent.InstanceId },
            }
            : null,
    };

    /// <summary>An id has no slash; a name may.</summary>
    private static (string Id, string Name) Split(string text)
    {
        var slash = text.IndexOf('/');
        return (text[..slash], text[(slash + 1)..]);
    }
}
