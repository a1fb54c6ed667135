using Microsoft.DurableTask.Protobuf;
using Action = Microsoft.DurableTask.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;
using Carried = Microsoft.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>What an orchestrator's code has decided in a step.</summary>
/// <param name="Outcome">Where that leaves it.</param>
/// <param name="Asked">What it asks for; what asks the instance itself of a step that starts it over is in the outcome.</param>
/// <param name="CustomStatus">What it says of itself, as JSON.</param>
internal sealed record Decisions(Outcome Outcome, IReadOnlyList<Asked> Asked, string? CustomStatus)
{
    /// <summary>Reads the worker's answer. What this host does not do, or history does not take, fails the instance.</summary>
    public static Decisions Of(OrchestratorResponse response, Instance instance)
    {
        var asked = new List<Asked>();
        CompleteOrchestrationAction? end = null;
        var refusal = Limits.Refuse(response.CustomStatus, "The custom status", Limits.MaxCustomStatus);
        foreach (var action in response.Actions)
        {
            refusal ??= Refuse(action, instance);
            switch (action.OrchestratorActionTypeCase)
            {
                case Action.ScheduleTask:
                    var task = action.ScheduleTask;
                    asked.Add(new Asked(new HistoryEvent(EventKind.ActivityScheduled, action.Id, task.Name), Unwrap(task.Input)));
                    break;
                case Action.CreateTimer:
                    asked.Add(new Asked(new HistoryEvent(EventKind.TimerCreated, action.Id, At: action.CreateTimer.FireAt.ToDateTime())));
                    break;
                case Action.SendEvent:
                    var sent = action.SendEvent;
                    asked.Add(Targeted(EventKind.EventSent, action.Id, sent.Instance.InstanceId, sent.Name, sent.Data));
                    break;
                case Action.CreateSubOrchestration:
                    var child = action.CreateSubOrchestration;
                    asked.Add(Targeted(EventKind.ChildScheduled, action.Id, child.InstanceId, child.Name, child.Input, child.Version));
                    break;
                case Action.CompleteOrchestration:
                    end = action.CompleteOrchestration;
                    break;
            }
        }

        if (refusal is not null)
        {
            return new Decisions(new Outcome.Failed(Failure.Of<InvalidOperationException>(refusal)), [], null);
        }

        var outcome = end is null ? new Outcome.Waiting() : Read(end, instance, asked);
        return new Decisions(outcome, asked, response.CustomStatus);
    }

    private static Outcome Read(CompleteOrchestrationAction end, Instance instance, List<Asked> asked)
    {
        switch (end.OrchestrationStatus)
        {
            case OrchestrationStatus.Completed:
                return new Outcome.Completed(end.Result);
            case OrchestrationStatus.Terminated:
                return new Outcome.Terminated(end.Result);
            case OrchestrationStatus.ContinuedAsNew:
                // The worker hands on what it never awaited as events that the instance sends to itself. They are of the next run,
                // after what came during the step, as in Azure.
                var own = asked.FindAll(item => item.Event.Kind == EventKind.EventSent && item.Target == instance.Id);
                asked.RemoveAll(own.Contains);
                var events = end.CarryoverEvents
                    .Where(static carried => carried.EventTypeCase == Carried.EventRaised)
                    .Select(static carried => Raised(carried.EventRaised.Name, carried.EventRaised.Input))
                    .Concat(own.Select(static item => Raised(item.Name!, item.Payload)));
                return new Outcome.ContinuedAsNew(end.Result, end.NewVersion ?? instance.Version, [.. events]);
            default:
                return new Outcome.Failed(end.FailureDetails ?? Failure.Of<InvalidOperationException>(end.Result ?? ""));
        }
    }

    private static HistoryEvent Raised(string name, string? payload) => new(EventKind.EventRaised, Name: name, Payload: payload);

    private static Asked Targeted(EventKind kind, int id, string target, string name, string? payload, string? version = null)
    {
        // What is sent to an id that cannot be goes nowhere, as in Azure; history still has it.
        var known = Limits.RefuseId(target) is null ? target : "";
        return new Asked(new HistoryEvent(kind, id, $"{known}/{name}"), payload, target, name, version);
    }

    private static string? Refuse(OrchestratorAction action, Instance instance) => action.OrchestratorActionTypeCase switch
    {
        Action.ScheduleTask =>
            Limits.Refuse(action.ScheduleTask.Input, $"The input of activity '{action.ScheduleTask.Name}'"),
        Action.CreateTimer => null,
        Action.SendEvent => action.SendEvent.Instance.InstanceId.StartsWith('@')
            ? $"This host does not run durable entities: orchestrator '{instance.Name}' asked for '{action.SendEvent.Instance.InstanceId}'."
            : Limits.Refuse(action.SendEvent.Data, $"The payload of event '{action.SendEvent.Name}'"),
        Action.CreateSubOrchestration => Limits.RefuseId(action.CreateSubOrchestration.InstanceId)
            ?? Limits.Refuse(action.CreateSubOrchestration.Input, $"The input of orchestrator '{action.CreateSubOrchestration.Name}'"),
        Action.CompleteOrchestration =>
            action.CompleteOrchestration.OrchestrationStatus == OrchestrationStatus.Failed
                ? null
                : Limits.Refuse(action.CompleteOrchestration.Result, $"The output of orchestrator '{instance.Name}'"),
        _ => $"This host does not do what orchestrator '{instance.Name}' asked for: {action.OrchestratorActionTypeCase}.",
    };

    /// <summary>The worker wraps an activity's input into an array of one.</summary>
    private static string? Unwrap(string? input) => input is ['[', .. var inner, ']'] ? inner : input;
}
