using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.Local.Durable.Engine;

internal sealed partial class DurableEngine
{
    /// <summary>One step of an instance: what waits for it, the code, and the commit.</summary>
    private sealed class Step(DurableEngine engine, Instance instance)
    {
        private readonly HashSet<HistoryEvent> _taken = new(ReferenceEqualityComparer.Instance);

        public async Task RunAsync()
        {
            var messages = instance.Peek();
            if (messages.FirstOrDefault(message => message.Kind is EventKind.Terminate or EventKind.Fault) is { } end)
            {
                Outcome outcome = end.Kind == EventKind.Terminate ? new Outcome.Terminated(end.Payload) : new Outcome.Failed(Fault(end));
                await EndAsync(outcome, engine.Now);
                return;
            }

            var suspended = instance.Suspended;
            foreach (var message in messages.Where(message => message.Kind is EventKind.Suspend or EventKind.Resume))
            {
                suspended = message.Kind == EventKind.Suspend;
                _taken.Add(message);
            }

            var fresh = suspended ? [] : messages.Where(message => !_taken.Contains(message)).ToList();
            _taken.UnionWith(fresh);
            if (fresh.Count == 0)
            {
                await SetSuspendedAsync(suspended);
                return;
            }

            var past = engine.Store.Read(database => database.History(instance.Id));
            await StepAsync(past, fresh);
        }

        private async Task StepAsync(List<HistoryEvent> past, List<HistoryEvent> fresh)
        {
            // The clock may have been put back since the last step.
            var now = engine.Now;
            if (past.FindLast(happened => happened.Kind == EventKind.StepStarted) is { } last && last.At > now)
            {
                now = last.At;
            }

            // The code starts before anything else can reach it: events may have come before a start that was put off.
            fresh = [.. fresh.OrderBy(message => message.Kind != EventKind.ExecutionStarted)];
            fresh.Insert(0, new HistoryEvent(EventKind.StepStarted, At: now));
            if (engine._registry.FindOrchestrator(instance.Name) is not { } body)
            {
                var gone = new InvalidOperationException($"There is no orchestrator function '{instance.Name}' any more.");
                await EndAsync(new Outcome.Failed(TaskFailureDetails.FromException(gone)), now);
                return;
            }

            await using var scope = engine._scopes.CreateAsyncScope();
            var execution = instance.Execution;
            var run = new OrchestrationRun(
                instance.Name,
                instance.Id,
                context => body(scope.ServiceProvider, context),
                engine._registry,
                engine.Payload,
                engine._loggers,
                reason => engine.FailFromOutside(instance, execution, reason));
            var result = run.Run(past, fresh);
            switch (result.Outcome)
            {
                case Outcome.Waiting:
                    await GoOnAsync(past.Count, fresh, result, now);
                    break;
                case Outcome.ContinuedAsNew again:
                    await StartOverAsync(again, result, now);
                    break;
                default:
                    await EndAsync(result.Outcome, now, result);
                    break;
            }
        }

        private async Task SetSuspendedAsync(bool suspended) => await engine.Store.WriteAsync(
            write =>
            {
                write.Take(instance.Id, _taken, []);
                if (suspended != instance.Suspended)
                {
                    var running = instance.Started.Task.IsCompleted ? OrchestrationRuntimeStatus.Running : OrchestrationRuntimeStatus.Pending;
                    write.UpdateStatus(instance.Id, suspended ? OrchestrationRuntimeStatus.Suspended : running, engine.Now);
                }

                return true;
            },
            _ =>
            {
                instance.Suspended = suspended;
                Finish();
            });

        private async Task GoOnAsync(int historyLength, List<HistoryEvent> fresh, StepResult result, DateTime now) => await engine.Store.WriteAsync(
            write =>
            {
                write.Take(instance.Id, _taken, result.CancelledTimers);
                write.AddHistory(instance.Id, historyLength, fresh.Concat(result.Asked.Select(asked => asked.Event)));
                write.Update(instance.Id, OrchestrationRuntimeStatus.Running, now, result.CustomStatus);
                foreach (var timer in Timers(result))
                {
                    write.AddTimer(instance.Id, timer.TaskId, timer.At);
                }

                return AskFor(write, result.Asked);
            },
            follow =>
            {
                instance.Suspended = false;
                instance.Started.TrySetResult();
                foreach (var timer in Timers(result))
                {
                    engine._timers.Add(
                        new DueMessage(instance.Id, instance.Execution, new HistoryEvent(EventKind.TimerFired, timer.TaskId)), timer.At);
                }

                follow();
                Finish();
            });

        private async Task StartOverAsync(Outcome.ContinuedAsNew again, StepResult result, DateTime now) => await engine.Store.WriteAsync(
            write =>
            {
                write.Take(instance.Id, _taken, []);
                write.Update(instance.Id, OrchestrationRuntimeStatus.Running, now, result.CustomStatus);
                var follow = AskFor(write, result.Asked);
                return (New: write.StartOver(instance.Id, instance.Name, again.Input, again.Events, now), Follow: follow);
            },
            done =>
            {
                instance.Suspended = false;
                instance.Started.TrySetResult();
                done.Follow();
                instance.StartOver(done.New.Execution, done.New.First);
                Finish();
            });

        /// <summary>Ends the instance; the step's result is null if its code was not run.</summary>
        private async Task EndAsync(Outcome outcome, DateTime now, StepResult? result = null)
        {
            (OrchestrationRuntimeStatus Status, string? Output, TaskFailureDetails? Failure) end = outcome switch
            {
                Outcome.Completed completed => (OrchestrationRuntimeStatus.Completed, completed.Output, null),
                Outcome.Terminated terminated => (OrchestrationRuntimeStatus.Terminated, terminated.Output, null),
                Outcome.Failed failed => (OrchestrationRuntimeStatus.Failed, null, failed.Details),
                _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Not an end."),
            };
            if (end.Failure is not null)
            {
                engine.LogOrchestrationFailed(instance.Id, instance.Name, end.Failure.ToString());
            }

            await engine.Store.WriteAsync(
                write =>
                {
                    if (result is not null)
                    {
                        write.Update(instance.Id, end.Status, now, result.CustomStatus);
                    }

                    write.End(instance.Id, end.Status, now, end.Output, engine.Payload.Write(end.Failure, "A failure"));
                    return AskFor(write, result?.Asked ?? []);
                },
                follow =>
                {
                    engine._live.TryRemove(instance.Id, out _);
                    follow();
                    instance.Started.TrySetResult();
                    instance.Ended.TrySetResult();
                });
        }

        /// <summary>Stores the activities and events that the code asked for; gives what to do once that is committed.</summary>
        private Action AskFor(StoreTransaction write, IReadOnlyList<Asked> asked)
        {
            List<ActivityCall> calls = [];
            List<(string Instance, HistoryEvent Message)> sent = [];
            foreach (var item in asked)
            {
                if (item.Event.Kind == EventKind.ActivityScheduled)
                {
                    var call = new ActivityCall(instance.Id, instance.Execution, item.Event.TaskId, item.Event.Name!, item.Payload);
                    write.AddActivity(call);
                    calls.Add(call);
                }
                else if (item.Event.Kind == EventKind.EventSent && write.LiveExecution(item.Target!) is not null)
                {
                    var name = item.Event.Name![(item.Target!.Length + 1)..];
                    sent.Add((item.Target, write.Post(item.Target, new HistoryEvent(EventKind.EventRaised, Name: name, Payload: item.Payload))));
                }
            }

            return () =>
            {
                calls.ForEach(call => engine._calls.Writer.TryWrite(call));
                sent.ForEach(item => engine.Deliver(item.Instance, item.Message));
            };
        }

        private void Finish()
        {
            if (instance.Finish(_taken))
            {
                engine._ready.Writer.TryWrite(instance);
            }
        }

        private static IEnumerable<HistoryEvent> Timers(StepResult result) => result.Asked
            .Select(asked => asked.Event)
            .Where(asked => asked.Kind == EventKind.TimerCreated && !result.CancelledTimers.Contains(asked.TaskId));

        private TaskFailureDetails Fault(HistoryEvent message) => TaskFailureDetails.FromException(
            new InvalidOperationException($"Orchestrator '{instance.Name}' left its thread: {message.Payload}"));
    }

    /// <summary>Fails an instance whose code went on outside its step.</summary>
    private void FailFromOutside(Instance instance, long execution, string reason)
    {
        if (FindLive(instance.Id) == instance && instance.Execution == execution)
        {
            Deliver(instance, new HistoryEvent(EventKind.Fault, Payload: reason));
        }
    }
}
