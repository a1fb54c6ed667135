namespace Dequeue.FunctionsHost.Rpc;

/// <summary>What invokes a function.</summary>
/// <param name="Binding">The name of the parameter that it arrives in.</param>
internal abstract record Trigger(string Binding)
{
    /// <summary>An HTTP request.</summary>
    /// <param name="Binding">The parameter's name.</param>
    /// <param name="Route">The route template below the app's route prefix.</param>
    /// <param name="Methods">The methods it answers, in capitals; none for all.</param>
    /// <param name="IsAnonymous">Whether it needs no key.</param>
    public sealed record Http(string Binding, string Route, IReadOnlyList<string> Methods, bool IsAnonymous) : Trigger(Binding);

    /// <summary>A schedule.</summary>
    /// <param name="Binding">The parameter's name.</param>
    /// <param name="Schedule">NCRONTAB, an interval, or <c>%SETTING%</c> that holds one.</param>
    /// <param name="RunOnStartup">Whether it also runs when the host starts.</param>
    /// <param name="UseMonitor">Whether a run that was missed while the host was down is made up for.</param>
    public sealed record Timer(string Binding, string Schedule, bool RunOnStartup, bool UseMonitor) : Trigger(Binding);

    /// <summary>The durable engine: an orchestrator.</summary>
    /// <param name="Binding">The parameter's name.</param>
    /// <param name="Name">What orchestrations are started by.</param>
    public sealed record Orchestration(string Binding, string Name) : Trigger(Binding);

    /// <summary>The durable engine: an activity.</summary>
    /// <param name="Binding">The parameter's name.</param>
    /// <param name="Name">What orchestrators call it by.</param>
    public sealed record Activity(string Binding, string Name) : Trigger(Binding);
}
