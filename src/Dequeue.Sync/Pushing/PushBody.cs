using System.Text.Json;
using System.Text.Unicode;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Pushing;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Pushing;

/// <summary>A push as it was read from hostile bytes.</summary>
public abstract record PushBody
{
    private PushBody()
    {
    }

    /// <summary>A well-formed body. Events that break a rule are rejected one by one; the others are stored.</summary>
    /// <param name="Events">What may be stored, in the order given.</param>
    /// <param name="Rejected">What may not, and why.</param>
    public sealed record Valid(IReadOnlyList<NewEvent> Events, IReadOnlyList<RejectedEvent> Rejected) : PushBody
    {
        /// <summary>The epoch of the log that the events are meant for; null for any.</summary>
        public string? Epoch { get; init; }

        /// <summary>Whether the caller wants to know the epoch: it named one, or said that it has none.</summary>
        public bool AsksForEpoch { get; init; }
    }

    /// <summary>A body that is no push: nothing of it is stored.</summary>
    /// <param name="Why">One sentence for the caller.</param>
    public sealed record Malformed(string Why) : PushBody;

    /// <summary>Reads <c>{"events":[…],"epoch":"…"}</c>, the second one optional. Unknown fields are ignored.</summary>
    /// <param name="utf8">The body, at most <see cref="PushLimits.MaxBodyBytes"/>. The events are slices of it where nothing
    /// had to change, so it must not be reused.</param>
    /// <param name="caller">Whose log is written: the only <c>user_id</c> that is accepted.</param>
    public static PushBody Read(ReadOnlyMemory<byte> utf8, UserId caller)
    {
        if (!Utf8.IsValid(utf8.Span)) return new Malformed("The body is not valid UTF-8.");
        var reading = new PushReading(caller);
        var (found, epoch, asksForEpoch) = (false, (string?)null, false);
        try
        {
            var reader = new Utf8JsonReader(utf8.Span, new JsonReaderOptions { MaxDepth = EventRules.ReaderDepth });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return new Malformed("""The body is an object: {"events":[…]}.""");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                var (isEvents, isEpoch) = (name.Equals("events"u8), name.Equals("epoch"u8));
                reader.Read();
                asksForEpoch |= isEpoch;
                if (isEpoch && reader.TokenType != JsonTokenType.Null)
                {
                    if (!HistoryClaimFields.TryReadEpoch(ref reader, out epoch)) return new Malformed(HistoryClaimFields.EpochRule);
                    continue;
                }

                if (!isEvents)
                {
                    reader.Skip();
                    continue;
                }

                if (found || reader.TokenType != JsonTokenType.StartArray) return new Malformed("events is one array of objects.");
                found = true;
                if (ReadEvents(ref reader, utf8, reading) is { } why) return new Malformed(why);
            }

            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            return new Malformed("The body is not valid JSON.");
        }

        return found ? new Valid(reading.Accepted, reading.Rejected) { Epoch = epoch, AsksForEpoch = asksForEpoch } : new Malformed("""The body has no events: {"events":[…]}.""");
    }

    private static string? ReadEvents(ref Utf8JsonReader reader, ReadOnlyMemory<byte> utf8, PushReading reading)
    {
        for (var index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            if (reader.TokenType != JsonTokenType.StartObject) return $"events[{index}] is not an object.";
            if (index == PushLimits.MaxEvents) return $"A push carries at most {PushLimits.MaxEvents} events.";
            var start = (int)reader.TokenStartIndex;
            var fields = EventFields.Read(ref reader, utf8.Span);
            reading.Apply(fields, utf8.Slice(start, fields.Json.Length), start);
        }

        return null;
    }
}

/// <summary>An event that was not stored.</summary>
/// <param name="Id">Its id as far as it could be read, else an empty string.</param>
/// <param name="Why">One sentence.</param>
public readonly record struct RejectedEvent(string Id, string Why);
