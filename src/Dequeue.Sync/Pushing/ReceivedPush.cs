using System.Text.Json;
using System.Text.Unicode;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Pushing;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Pushing;

/// <summary>A push as it was read from hostile bytes.</summary>
public abstract record ReceivedPush
{
    private ReceivedPush()
    {
    }

    /// <summary>A well-formed body. Events that break a rule are rejected one by one; the others are stored.</summary>
    /// <param name="Events">What may be stored, in the order given.</param>
    /// <param name="Rejected">What may not, and why.</param>
    public sealed record Valid(IReadOnlyList<NewEvent> Events, IReadOnlyList<RefusedEvent> Rejected) : ReceivedPush
    {
        /// <summary>The epoch of the log that the events are meant for; null for any.</summary>
        public string? Epoch { get; init; }

        /// <summary>Whether the caller wants to know the epoch: it named one, or said that it has none.</summary>
        public bool AsksForEpoch { get; init; }
    }

    /// <summary>A body that is no push: nothing of it is stored.</summary>
    /// <param name="Why">One sentence for the caller.</param>
    public sealed record Malformed(string Why) : ReceivedPush;

    /// <summary>Reads <c>{"events":[…],"epoch":"…"}</c>, the second one optional. Unknown fields are ignored.</summary>
    /// <param name="utf8">The body, at most <see cref="PushLimits.MaxBodyBytes"/>. The events are slices of it where nothing
    /// had to change, so it must not be reused.</param>
    /// <param name="caller">Whose log is written: the only <c>user_id</c> that is accepted.</param>
    public static ReceivedPush Read(ReadOnlyMemory<byte> utf8, UserId caller)
    {
        if (!Utf8.IsValid(utf8.Span)) return new Malformed("The body is not valid UTF-8.");
        var reading = new PushReading(caller);
        var (found, epoch, asksForEpoch) = (false, (string?)null, false);
        try
        {
            if (!JsonObjectReader.TryBegin(utf8.Span, out var json, EventRules.ReaderDepth)) return new Malformed("""The body is an object: {"events":[…]}.""");
            while (json.Next())
            {
                if (json.Is("epoch"u8))
                {
                    asksForEpoch = true;
                    if (!json.IsNull && !HistoryClaimFields.TryReadEpoch(ref json, out epoch)) return new Malformed(HistoryClaimFields.EpochRule);
                }
                else if (json.Is("events"u8))
                {
                    if (found || !json.EnterArray()) return new Malformed("events is one array of objects.");
                    found = true;
                    if (ReadEvents(ref json, utf8, reading) is { } why) return new Malformed(why);
                }
            }

            json.End();
        }
        catch (JsonException)
        {
            return new Malformed("The body is not valid JSON.");
        }

        return found ? new Valid(reading.Accepted, reading.Rejected) { Epoch = epoch, AsksForEpoch = asksForEpoch } : new Malformed("""The body has no events: {"events":[…]}.""");
    }

    private static string? ReadEvents(ref JsonObjectReader json, ReadOnlyMemory<byte> utf8, PushReading reading)
    {
        for (var index = 0; json.NextItem(); index++)
        {
            if (json.Kind != JsonTokenType.StartObject) return $"events[{index}] is not an object.";
            if (index == PushLimits.MaxEvents) return $"A push carries at most {PushLimits.MaxEvents} events.";
            var start = (int)json.Json.TokenStartIndex;
            var fields = EventFields.Read(ref json.Json, utf8.Span);
            reading.Apply(fields, utf8.Slice(start, fields.Json.Length), start);
        }

        return null;
    }
}
