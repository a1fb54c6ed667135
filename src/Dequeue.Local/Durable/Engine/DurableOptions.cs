using System.Text.Json;

namespace Dequeue.Local.Durable.Engine;

/// <summary>What the engine is told.</summary>
/// <param name="Path">The SQLite file; made, with its folder, if missing.</param>
/// <param name="MaxConcurrentActivities">Activities that run at once.</param>
/// <param name="MaxConcurrentOrchestrators">Steps that run at once.</param>
/// <param name="Json">How inputs and results are written.</param>
internal sealed record DurableOptions(
    string Path, int MaxConcurrentActivities, int MaxConcurrentOrchestrators, JsonSerializerOptions Json);
