using Dequeue.Client;
using Dequeue.Contracts.Streaming;

namespace Dequeue.EndToEnd.Tests.Options;

/// <summary>One combination of the stream's options.</summary>
/// <param name="Encoding">The only encoding asked for, or none.</param>
/// <param name="Window">Batches ahead of the acknowledged one, or no bound.</param>
/// <param name="Active">Whether the active stack comes first.</param>
/// <param name="Entities">Whether some entities come first.</param>
/// <param name="Delta">Whether states come as patches.</param>
/// <param name="BatchSize">Most events of a batch.</param>
/// <param name="References">Whether pages come by reference.</param>
/// <param name="FromMiddle">Whether it starts in the middle of the log.</param>
/// <param name="Live">Whether the stream stays open, for one more event.</param>
/// <param name="Compact">What is left out, or nothing.</param>
internal sealed record OptionRow(
    string? Encoding, int? Window, bool Active, bool Entities, bool Delta, int BatchSize, bool References, bool FromMiddle, bool Live, StreamCompact? Compact = null)
{
    private static readonly int?[] Windows = [null, 1, 8];
    private static readonly int[] BatchSizes = [1000, 100, 7];
    private static readonly StreamCompact?[] Compacts = [null, new StreamCompact(), new StreamCompact { Keep = ["task.activated", "stack.updated"] }];

    /// <summary>The rows of a client that opens these encodings, in which every two values of different options come together.</summary>
    /// <param name="encodings">The encodings; null for plain JSON.</param>
    /// <param name="staysOpen">Whether the client can stay open after the stream.</param>
    public static IEnumerable<OptionRow> All(string?[] encodings, bool staysOpen = true)
        => Pairwise.Rows(encodings.Length, Windows.Length, 4, 2, BatchSizes.Length, 2, 2, staysOpen ? 2 : 1, Compacts.Length).Select(row => new OptionRow(
            encodings[row[0]], Windows[row[1]], row[2] is 1 or 3, row[2] is 2 or 3, row[3] == 1, BatchSizes[row[4]], row[5] == 1, row[6] == 1, row[7] == 1, Compacts[row[8]]));

    /// <summary>What the .NET client is told.</summary>
    public SyncOptions ToOptions(Uri server, OptionHistory history)
        => new()
        {
            Server = server,
            Encodings = Encoding is null ? [] : [Encoding],
            Window = Window,
            Priority = Active || Entities ? new StreamPriority(Entities ? history.Entities : [], Active) : null,
            Delta = Delta,
            BatchSize = BatchSize,
            References = References,
            Compact = Compact,
        };

    /// <summary>The request's fields beside <c>since</c>.</summary>
    public Dictionary<string, object> ToFields(OptionHistory history)
    {
        var fields = new Dictionary<string, object> { ["delta"] = Delta, ["batchSize"] = BatchSize, ["references"] = References, ["live"] = Live };
        if (Encoding is not null) fields["encodings"] = new[] { Encoding };
        if (Window is { } window) fields["window"] = window;
        if (Entities) fields["priority"] = new { active = Active, entityIds = history.Entities };
        else if (Active) fields["priority"] = new { active = true };
        if (Compact is { Keep: [] }) fields["compact"] = true;
        else if (Compact is not null) fields["compact"] = new { keep = Compact.Keep };
        return fields;
    }

    /// <inheritdoc/>
    public override string ToString()
        => string.Join(", ", ((string?[])
        [
            Encoding ?? "plain", Window is { } window ? $"window {window}" : null, Active ? "active" : null, Entities ? "entities" : null, Delta ? "delta" : null,
            $"batches of {BatchSize}", References ? "references" : null, FromMiddle ? "from the middle" : null, Live ? "live" : null,
            Compact is null ? null : $"compact, {Compact.Keep.Count} types kept",
        ]).OfType<string>());
}
