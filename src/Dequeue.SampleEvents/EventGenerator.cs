namespace Dequeue.SampleEvents;

/// <summary>What a generated history is made from. The same options make the same bytes, on every machine.</summary>
public sealed record EventGeneratorOptions
{
    /// <summary>Start of the random sequence. Default 1.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The events' <c>user_id</c>. Default <c>user_demo</c>; empty leaves it to the server.</summary>
    public string UserId { get; init; } = "user_demo";

    /// <summary>The events' <c>app_id</c>. Default <c>dequeue</c>.</summary>
    public string AppId { get; init; } = "dequeue";

    /// <summary>The device time of the first event; the others follow in bursts, about three minutes apart on average.
    /// Default 2026-01-05T08:00:00Z.</summary>
    public DateTimeOffset Start { get; init; } = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    /// <summary>So many tasks are created first and then changed again and again, none finished or deleted: a history that grows while the
    /// state does not. Default null: a life in which things are done with.</summary>
    public int? LastingTasks { get; init; }
}

/// <summary>
/// Makes the events that a user of the app would make: stacks, tasks, reminders, tags and arcs that are created, changed,
/// activated, completed. Each entity has a state, so that updates carry true <c>changes</c> and <c>fullState</c>, and the app's
/// rules hold: one active stack, one active task in it. About 55 % task events, 20 % stack, 10 % reminder, 5 % tag, 5 % arc.
/// </summary>
public sealed class EventGenerator(EventGeneratorOptions options)
{
    /// <summary>Streams <paramref name="count"/> events, each a minified UTF-8 JSON object. Every call starts the history anew;
    /// memory stays bounded whatever the count.</summary>
    public IEnumerable<byte[]> Generate(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return Stream(count);
    }

    private IEnumerable<byte[]> Stream(int count)
    {
        using var life = new UserLife(options);
        while (count > 0)
        {
            life.Step();
            while (count > 0 && life.Events.TryDequeue(out var next))
            {
                count--;
                yield return next;
            }
        }
    }
}
