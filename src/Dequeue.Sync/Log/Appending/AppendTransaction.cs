using Dequeue.Contracts;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Appending;

/// <summary>A transaction that appends events, ready to be committed; the same each time it is tried.</summary>
internal sealed class AppendTransaction
{
    /// <summary>Puts the transaction together.</summary>
    /// <param name="replaced">The head that it builds on.</param>
    /// <param name="parts">The new events.</param>
    /// <param name="folded">The last pages of the tail, which become part of the new page.</param>
    /// <param name="isSealed">Whether the new page stays as it is for good.</param>
    /// <param name="now">The clock, in ticks.</param>
    public AppendTransaction(HeadRow replaced, List<BatchPart> parts, List<EventPage> folded, bool isSealed, long now)
    {
        (Replaced, Parts) = (replaced, parts);
        var added = parts.SelectMany(part => part.Events).ToList();
        Ids = added.ConvertAll(e => e.Id);
        var page = Join(replaced.Head.Count, folded, added, NextPosition.After(replaced.Head.Last, now));
        NewEvents = page.Slice(page.Count - added.Count, added.Count);

        var tail = isSealed ? [] : replaced.Tail.SkipLast(folded.Count).Append(new TailPage(page.Last.Ticks, page.Count, page.Json.Length)).ToList();
        var digest = replaced.Digest?.Append(added);
        var head = replaced.Head with
        {
            Count = replaced.Head.Count + added.Count,
            Last = page.Last,
            LastEventId = added[^1].Id.Value,
            LastDeviceTimeMs = added[^1].DeviceTimeMs,
            Digest = digest?.Hex,
            Bytes = digest?.Bytes,
            SealedThrough = isSealed ? page.Last : replaced.Head.SealedThrough,
            ActiveStackId = added.Aggregate(replaced.Head.ActiveStackId, (active, e) => ActiveStack.After(active, e.Json.Span)),
        };
        Head = replaced with { Head = head, Tail = tail, ETag = null, Digest = digest, WritesEpoch = false };
        Operations =
        [
            Head.Commit(replaced),
            new RowOperation.Insert(PageFormat.Encode(page)),
            .. replaced.WritesEpoch ? [new RowOperation.Insert(EpochRow.Create(head.Epoch!))] : Array.Empty<RowOperation>(),
            .. folded.Select(old => new RowOperation.Delete(LogRows.Page(old.Last.Ticks))),
            .. Ids.Select((id, i) => new RowOperation.Insert(IdRow.Create(id, NewEvents.CheckpointAt(i)))),
        ];
    }

    /// <summary>The head that the transaction builds on.</summary>
    public HeadRow Replaced { get; }

    /// <summary>The head after the transaction, without its ETag.</summary>
    public HeadRow Head { get; }

    /// <summary>The appends whose events it holds.</summary>
    public List<BatchPart> Parts { get; }

    /// <summary>The ids of the new events, in order.</summary>
    public List<EventId> Ids { get; }

    /// <summary>The new events, as they stand in the log then.</summary>
    public EventPage NewEvents { get; }

    /// <summary>The same, for who is told of them.</summary>
    public CommittedEvents Committed => new(Head.Head.Epoch, NewEvents);

    /// <summary>What to commit; the head comes first.</summary>
    public IReadOnlyList<RowOperation> Operations { get; }

    /// <summary>Tells the appends that their events were stored by this transaction.</summary>
    public void Credit()
    {
        var at = 0;
        foreach (var part in Parts)
        {
            part.Append.Stored(NewEvents.Slice(at, part.Events.Count));
            at += part.Events.Count;
        }
    }

    private static EventPage Join(long count, List<EventPage> folded, List<NewEvent> added, long firstTick)
    {
        var page = new PageBuilder(
            folded.Count > 0 ? folded[0].Before : count,
            folded.Sum(old => old.Count) + added.Count,
            folded.Sum(old => old.Length + 1) + added.Sum(e => e.Json.Length + 1) - 1);
        foreach (var old in folded)
        {
            for (var i = 0; i < old.Count; i++) page.Add(old, i);
        }

        foreach (var e in added) page.Add(e.Json.Span, firstTick++);
        return page.Build();
    }
}
