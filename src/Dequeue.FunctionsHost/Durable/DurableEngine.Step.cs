using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

internal sealed partial class DurableEngine
{
    /// <summary>One step of an instance: what waits for it, the code, and the commit.</summary>
    private sealed class Step(DurableEngine engine, Instance instance)
    {
        private readonly long _execution = instance.Execution;
        private readonly HashSet<HistoryEvent> _taken = new(ReferenceEqualityComparer.Instance);

        public async Task RunAsync()
        {
            var messages = instance.Peek();
            if (messages.Find(static message => message.Kind == EventKind.Terminate) is { } end)
            {
                await EndAsync(new Outcome.Terminated(end.Payload), engine.Now);
                return;
            }

            var suspended = instance.Suspended;
            foreach (var message in messages.Where(static message => message.Kind is EventKind.Suspend or EventKind.Resume))
            {
                suspended = message.Kind == EventKind.Suspend;
                _taken.Add(message);
            }

            var fresh = suspended ? [] : messages.FindAll(message => !_taken.Contains(message));
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
            if (past.FindLast(static happened => happened.Kind == EventKind.StepStarted) is { } last && last.At > now)
            {
                now = last.At;
            }

            // The code starts before anything else can reach it: events may have come before a start that was put off.
            fresh = [.. fresh.OrderBy(static message => message.Kind != EventKind.ExecutionStarted)];
            fresh.Insert(0, new HistoryEvent(EventKind.StepStarted, At: now));
            var decisions = await DecideAsync(past, fresh);
            switch (decisions.Outcome)
            {
                case Outcome.Waiting:
                    await GoOnAsync(past.Count, fresh, decisions, now);
                    break;
                case Outcome.ContinuedAsNew again:
                    await StartOverAsync(again, decisions, now);
                    break;
                default:
                    await EndAsync(decisions.Outcome, now, decisions);
                    break;
            }
        }

        private async Task<Decisions> DecideAsync(List<HistoryEvent> past, List<HistoryEvent> fresh)
        {
            if (!engine._functions.HasOrchestrator(instance.Name))
            {
                return new Decisions(new Outcome.Failed(Missing("orchestrator", instance.Name)), [], null);
            }

            try
            {
                var request = ReplayRequest.Of(instance, past, fresh);
                var response = await engine._functions.ReplayAsync(instance.Name, request, engine.Stopping).WaitAsync(engine.Stopping);
                return Decisions.Of(response, instance);
            }
            catch (Exception exception) when (exception is not WorkerLostException && !engine.Stopping.IsCancellationRequested)
            {
                return new Decisions(new Outcome.Failed(Failure.Of(exception)), [], null);
            }
        }

        private Task SetSuspendedAsync(bool suspended) => CommitAsync(
            write =>
            {
                write.Take(instance.Id, _taken);
                if (suspended != instance.Suspended)
                {
                    var running = instance.Started.Task.IsCompleted ? OrchestrationStatus.Running : OrchestrationStatus.Pending;
                    write.UpdateStatus(instance.Id, suspended ? OrchestrationStatus.Suspended : running, engine.Now);
                }

                return true;
            },
            _ =>
            {
                instance.Suspended = suspended;
                Finish();
            });

        private Task GoOnAsync(int historyLength, List<HistoryEvent> fresh, Decisions decisions, DateTime now)
        {
            var asked = decisions.Asked.Select(static item => item.Event).ToList();
            var timers = asked.FindAll(static item => item.Kind == EventKind.TimerCreated);
            return CommitAsync(
                write =>
                {
                    write.Take(instance.Id, _taken);
                    write.AddHistory(instance.Id, historyLength, fresh.Concat(asked));
                    write.Update(instance.Id, OrchestrationStatus.Running, now, decisions.CustomStatus);
                    timers.ForEach(timer => write.AddTimer(instance.Id, timer.TaskId, timer.At));
                    return AskFor(write, decisions.Asked);
                },
                follow =>
                {
                    instance.Suspended = false;
                    instance.Started.TrySetResult();
                    timers.ForEach(timer => engine.AddTimer(instance, timer.TaskId, timer.At));
                    follow();
                    Finish();
                });
        }

        private Task StartOverAsync(Outcome.ContinuedAsNew again, Decisions decisions, DateTime now) => CommitAsync(
            write =>
            {
                write.Take(instance.Id, _taken);
                write.Update(instance.Id, OrchestrationStatus.Running, now, decisions.CustomStatus);
                var follow = AskFor(write, decisions.Asked);
                return (New: write.StartOver(instance.Id, instance.Name, again, now), Follow: follow);
            },
            done =>
            {
                instance.Suspended = false;
                instance.Started.TrySetResult();
                done.Follow();
                instance.StartOver(done.New.Execution, again.Version, done.New.First);
                Finish();
            });

        /// <summary>Ends the instance; there are no decisions if its code was not run.</summary>
        private Task EndAsync(Outcome outcome, DateTime now, Decisions? decisions = null)
        {
            (OrchestrationStatus Status, string? Output, TaskFailureDetails? Failure) end = outcome switch
            {
                Outcome.Completed completed => (OrchestrationStatus.Completed, completed.Output, null),
                Outcome.Terminated terminated => (OrchestrationStatus.Terminated, terminated.Output, null),
                Outcome.Failed failed => (OrchestrationStatus.Failed, null, failed.Details),
                _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Not an end."),
            };
            if (end.Failure is { } failure)
            {
                engine.LogOrchestrationFailed(instance.Id, instance.Name, failure.ErrorType, failure.ErrorMessage);
            }

            // An activity that nobody waits for any more is not begun: code that is not deterministic may have asked for it.
            var asked = decisions?.Asked.Where(static item => item.Event.Kind != EventKind.ActivityScheduled) ?? [];
            return CommitAsync(
                write =>
                {
                    if (decisions is not null)
                    {
                        write.Update(instance.Id, end.Status, now, decisions.CustomStatus);
                    }

                    write.End(instance.Id, end.Status, now, end.Output, end.Failure is null ? null : Failure.Write(end.Failure));
                    return AskFor(write, asked) + Answer(write, outcome);
                },
                follow =>
                {
                    engine._live.TryRemove(KeyValuePair.Create(instance.Id, instance));
                    follow();
                    instance.Started.TrySetResult();
                    instance.Ended.TrySetResult();
                });
        }

        /// <summary>Tells the parent, if it still waits.</summary>
        private Action? Answer(StoreTransaction write, Outcome outcome)
        {
            if (instance.Parent is not { } parent || write.LiveExecution(parent.InstanceId) != parent.Execution)
            {
                return null;
            }

            var message = write.Post(parent.InstanceId, outcome switch
            {
                Outcome.Completed completed => new HistoryEvent(EventKind.ChildCompleted, parent.TaskId, Payload: completed.Output),
                Outcome.Failed failed => new HistoryEvent(EventKind.ChildFailed, parent.TaskId, Payload: Failure.Write(failed.Details)),
                _ => Refusal(parent.TaskId, $"Orchestration '{instance.Id}' was terminated."),
            });
            return () => engine.Deliver(parent.InstanceId, message);
        }

        /// <summary>Stores what the code asked for but its timers; gives what to do once that is committed.</summary>
        private Action AskFor(StoreTransaction write, IEnumerable<Asked> asked)
        {
            List<Action> follow = [];
            foreach (var item in asked)
            {
                switch (item.Event.Kind)
                {
                    case EventKind.ActivityScheduled:
                        var call = new ActivityCall(instance.Id, _execution, item.Event.TaskId, item.Event.Name!, item.Payload);
                        write.AddActivity(call);
                        follow.Add(() => engine._calls.Writer.TryWrite(call));
                        break;
                    case EventKind.EventSent when write.LiveExecution(item.Target!) is not null:
                        var raised = new HistoryEvent(EventKind.EventRaised, Name: item.Name, Payload: item.Payload);
                        var message = write.Post(item.Target!, raised);
                        follow.Add(() => engine.Deliver(item.Target!, message));
                        break;
                    case EventKind.ChildScheduled:
                        follow.Add(StartChild(write, item));
                        break;
                }
            }

            return () => follow.ForEach(static action => action());
        }

        private Action StartChild(StoreTransaction write, Asked asked)
        {
            var parent = new ParentCall(instance.Id, _execution, asked.Event.TaskId, instance.Name);
            var child = new NewInstance(asked.Target!, asked.Name!, asked.Version, asked.Payload, Parent: parent);
            if (write.Create(child, engine.Now, engine.MayReplace) is { } created)
            {
                return () => engine.Begin(child, created.Execution, created.Start);
            }

            var refused = write.Post(
                instance.Id, Refusal(asked.Event.TaskId, $"An orchestration instance with the ID {child.Id} already exists."));
            return () => engine.Deliver(instance.Id, refused);
        }

        private static HistoryEvent Refusal(int taskId, string sentence) =>
            new(EventKind.ChildFailed, taskId, Payload: Failure.Write(Failure.Of<InvalidOperationException>(sentence)));

        /// <summary>Commits the step, unless the instance was replaced meanwhile: then nobody is left to whom it could matter.</summary>
        private async Task CommitAsync<T>(Func<StoreTransaction, T> body, Action<T> committed) =>
            await engine.Store.WriteAsync<(bool Current, T? Result)>(
                write => write.LiveExecution(instance.Id) == _execution ? (true, body(write)) : default,
                done =>
                {
                    if (done.Current)
                    {
                        committed(done.Result!);
                    }
                });

        private void Finish()
        {
            if (instance.Finish(_taken))
            {
                engine._ready.Writer.TryWrite(instance);
            }
        }
    }
}
