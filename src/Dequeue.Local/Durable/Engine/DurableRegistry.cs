namespace Dequeue.Local.Durable.Engine;

/// <summary>An orchestrator's code.</summary>
/// <param name="services">The services of this step alone.</param>
/// <param name="context">What it acts through.</param>
internal delegate Task<object?> OrchestratorBody(IServiceProvider services, TaskOrchestrationContext context);

/// <summary>An activity's code.</summary>
/// <param name="services">The services of this run alone.</param>
/// <param name="call">Who calls, with what.</param>
/// <param name="cancellationToken">Cancelled when the host gives up waiting at its end; the activity then runs again at the next start.</param>
internal delegate Task<object?> ActivityBody(IServiceProvider services, ActivityCall call, CancellationToken cancellationToken);

/// <summary>One call of an activity.</summary>
internal sealed record ActivityCall(string InstanceId, long Execution, int TaskId, string Name, string? Input);

/// <summary>The orchestrators and activities of the app, by name; letter case does not count.</summary>
internal sealed class DurableRegistry(
    IReadOnlyDictionary<string, OrchestratorBody> orchestrators, IReadOnlyDictionary<string, ActivityBody> activities)
{
    private readonly Dictionary<string, OrchestratorBody> _orchestrators = new(orchestrators, StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, ActivityBody> _activities = new(activities, StringComparer.OrdinalIgnoreCase);

    public OrchestratorBody? FindOrchestrator(string name) => _orchestrators.GetValueOrDefault(name);

    public ActivityBody? FindActivity(string name) => _activities.GetValueOrDefault(name);

    /// <exception cref="ArgumentException">There is no orchestrator of that name.</exception>
    public void RequireOrchestrator(string? name)
    {
        if (string.IsNullOrEmpty(name) || !_orchestrators.ContainsKey(name))
        {
            throw Unknown("orchestrator", name, _orchestrators.Keys);
        }
    }

    /// <exception cref="ArgumentException">There is no activity of that name.</exception>
    public void RequireActivity(string? name)
    {
        if (string.IsNullOrEmpty(name) || !_activities.ContainsKey(name))
        {
            throw Unknown("activity", name, _activities.Keys);
        }
    }

    private static ArgumentException Unknown(string kind, string? name, IEnumerable<string> known) =>
        new($"There is no {kind} function '{name}'. There are: {string.Join(", ", known.Order(StringComparer.Ordinal))}.");
}
