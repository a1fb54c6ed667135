namespace Dequeue.Sync.Log.Entities;

/// <summary>
/// Which entities' events are wanted. An event concerns an entity when the top level of its payload names it: by a string whose name
/// ends in <c>Id</c>, or in an array whose name ends in <c>Ids</c>.
/// </summary>
/// <param name="EntityIds">Events that concern any of these. Ids have 1 to 256 bytes of UTF-8; no event concerns another.</param>
/// <param name="ActiveStackId">
/// A stack, usually the <see cref="LogHead.ActiveStackId"/>, or null: events that concern it, and those that concern its tasks, which
/// are the <c>taskId</c>s of the events of type <c>task.*</c> that concern it. Of more than <see cref="MaxTasks"/> tasks those count
/// that such an event named last.
/// </param>
public sealed record EntityQuery(IReadOnlyList<string> EntityIds, string? ActiveStackId)
{
    /// <summary>Most tasks of the active stack: each costs a read of the index.</summary>
    public const int MaxTasks = 256;
}
