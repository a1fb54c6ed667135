namespace Dequeue.Local.Worker;

/// <summary>Marks the context parameter of an orchestrator function.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class OrchestrationTriggerAttribute : Attribute
{
    /// <summary>The orchestrator's name; the function's name when null.</summary>
    public string? Orchestration { get; set; }
}

/// <summary>Marks the input parameter of an activity function.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ActivityTriggerAttribute : Attribute
{
    /// <summary>The activity's name; the function's name when null.</summary>
    public string? Activity { get; set; }
}

/// <summary>Marks a <see cref="Durable.DurableTaskClient"/> parameter of any function but an orchestrator.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class DurableClientAttribute : Attribute
{
    /// <summary>The task hub; the one of host.json when null. The embedded host has one hub, so it is not looked at.</summary>
    public string? TaskHub { get; set; }

    /// <summary>The setting that holds the storage connection. The embedded host does not look at it.</summary>
    public string? ConnectionName { get; set; }
}
