namespace Dequeue.FunctionsHost.Durable;

/// <summary>One call of an activity.</summary>
/// <param name="InstanceId">Who asked for it.</param>
/// <param name="Execution">The run of that instance.</param>
/// <param name="TaskId">The number of the call in that run.</param>
/// <param name="Name">The activity.</param>
/// <param name="Input">The input as JSON.</param>
internal sealed record ActivityCall(string InstanceId, long Execution, int TaskId, string Name, string? Input);
