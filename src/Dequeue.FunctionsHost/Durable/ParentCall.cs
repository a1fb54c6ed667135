namespace Dequeue.FunctionsHost.Durable;

/// <summary>The call of an orchestration by another, which waits for its end.</summary>
/// <param name="InstanceId">Who called.</param>
/// <param name="Execution">The run of that instance: a later one does not wait.</param>
/// <param name="TaskId">The number of the call in that run.</param>
/// <param name="Name">The caller's orchestrator.</param>
internal sealed record ParentCall(string InstanceId, long Execution, int TaskId, string Name);
