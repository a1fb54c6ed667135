using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Streaming;

/// <summary>A message from the server on a stream.</summary>
public abstract record StreamMessage
{
    private StreamMessage()
    {
    }

    /// <summary><c>sync.stream.start</c>.</summary>
    /// <param name="TotalEvents">Events strictly after the request's <c>since</c>, at least 0.</param>
    /// <param name="Encoding">The encoding of the batches, one of <see cref="BatchEncodings"/>, or null for plain JSON.</param>
    /// <param name="PriorityEvents">Those of them that come first, until <see cref="Ready"/>; null when none were asked for first.</param>
    /// <param name="HistoryEvents">Of a compact stream: all events strictly after <c>since</c>, with those left out; else null.</param>
    /// <param name="Epoch">The log's epoch; null when it has none.</param>
    public sealed record Start(
        long TotalEvents, string? Encoding = null, long? PriorityEvents = null, long? HistoryEvents = null, string? Epoch = null) : StreamMessage
    {
        /// <summary>The message's <c>type</c>.</summary>
        public const string Type = "sync.stream.start";

        /// <summary>Writes the message.</summary>
        public byte[] ToUtf8Bytes()
            => StreamJson.Write(static (writer, start) =>
            {
                writer.WriteString("type"u8, Type);
                writer.WriteNumber("totalEvents"u8, start.TotalEvents);
                if (start.Encoding is { } encoding) writer.WriteString("encoding"u8, encoding);
                if (start.PriorityEvents is { } first) writer.WriteNumber("priorityEvents"u8, first);
                if (start.HistoryEvents is { } all) writer.WriteNumber("historyEvents"u8, all);
                if (start.Epoch is { } epoch) writer.WriteString("epoch"u8, epoch);
            }, this);
    }

    /// <summary><c>sync.stream.batch</c>, as a client reads it. <see cref="BatchFrame"/> writes it.</summary>
    /// <param name="Events">Up to 1,000 events in commit order.</param>
    /// <param name="BatchIndex">0, 1, 2 …</param>
    /// <param name="IsLast">True on exactly one batch, the final one.</param>
    /// <param name="Checkpoint">The position after this batch, or null from a server that does not tell.</param>
    public sealed record Batch(IReadOnlyList<SyncEvent> Events, int BatchIndex, bool IsLast, Checkpoint? Checkpoint) : StreamMessage
    {
        /// <summary>The message's <c>type</c>.</summary>
        public const string Type = "sync.stream.batch";

        /// <summary>Whether it brings the entities that were asked for first.</summary>
        public bool IsPriority { get; init; }

        /// <summary>The places of the events whose state is a patch, from 0, rising.</summary>
        public IReadOnlyList<int> Deltas { get; init; } = [];

        /// <summary>Whether the states of earlier batches are to be forgotten.</summary>
        public bool ForgetsStates { get; init; }

        /// <summary>Pages that are fetched from elsewhere, in order, after <see cref="Events"/>.</summary>
        public IReadOnlyList<PageReference> References { get; init; } = [];
    }

    /// <summary><c>sync.stream.ready</c>: the events that were asked for first have been sent.</summary>
    /// <param name="ProcessedEvents">How many they are.</param>
    public sealed record Ready(long ProcessedEvents) : StreamMessage
    {
        /// <summary>The message's <c>type</c>.</summary>
        public const string Type = "sync.stream.ready";

        /// <summary>Writes the message.</summary>
        public byte[] ToUtf8Bytes()
            => StreamJson.Write(static (writer, ready) =>
            {
                writer.WriteString("type"u8, Type);
                writer.WriteNumber("processedEvents"u8, ready.ProcessedEvents);
            }, this);
    }

    /// <summary><c>sync.stream.complete</c>.</summary>
    /// <param name="ProcessedEvents">Events sent on this stream.</param>
    /// <param name="NewCheckpoint">What to hand back as <c>since</c> next time.</param>
    /// <param name="Digest">The <see cref="EventDigest"/> of the events sent, or null when the server did not compute it.</param>
    /// <param name="Position">Events of the log up to <paramref name="NewCheckpoint"/>, for a live stream, and for who said its epoch or
    /// position; null otherwise.</param>
    /// <param name="Epoch">The log's epoch; null when it has none.</param>
    public sealed record Complete(
        long ProcessedEvents, Checkpoint NewCheckpoint, string? Digest = null, long? Position = null, string? Epoch = null) : StreamMessage
    {
        /// <summary>The message's <c>type</c>.</summary>
        public const string Type = "sync.stream.complete";

        /// <summary>Writes the message.</summary>
        public byte[] ToUtf8Bytes()
            => StreamJson.Write(static (writer, complete) =>
            {
                writer.WriteString("type"u8, Type);
                writer.WriteNumber("processedEvents"u8, complete.ProcessedEvents);
                writer.WriteString("newCheckpoint"u8, complete.NewCheckpoint.ToString());
                if (complete.Position is { } position) writer.WriteNumber("position"u8, position);
                if (complete.Digest is { } digest) writer.WriteString("digest"u8, digest);
                if (complete.Epoch is { } epoch) writer.WriteString("epoch"u8, epoch);
            }, this);
    }

    /// <summary><c>sync.stream.live</c>: newly committed events, for who asked with <c>live</c>. <see cref="LiveFrame"/> writes it.</summary>
    /// <param name="Before">Events of the log before the first of them.</param>
    /// <param name="Checkpoint">The position after the last.</param>
    /// <param name="Events">At least one, in commit order.</param>
    /// <param name="Epoch">The log's epoch; null when it has none.</param>
    public sealed record Live(long Before, Checkpoint Checkpoint, IReadOnlyList<SyncEvent> Events, string? Epoch = null) : StreamMessage
    {
        /// <summary>The message's <c>type</c>.</summary>
        public const string Type = LiveFrame.Type;
    }

    /// <summary><c>sync.stream.error</c>: ends the stream.</summary>
    /// <param name="Text">For people.</param>
    /// <param name="Code">One of <see cref="ErrorCodes"/>, or one of a later server.</param>
    /// <param name="Checkpoint">Where a stream that is asked for again goes on, when the server tells: everything up to there was sent.</param>
    /// <param name="Window">The window that it is to be asked for with, when the server wants one.</param>
    public sealed record Error(string Text, string Code, Checkpoint? Checkpoint = null, int? Window = null) : StreamMessage
    {
        /// <summary>The message's <c>type</c>.</summary>
        public const string Type = "sync.stream.error";

        /// <summary>With <see cref="ErrorCodes.HistoryChanged"/>: the log's epoch; null when there is no log, or it has none.</summary>
        public string? Epoch { get; init; }

        /// <summary>With <see cref="ErrorCodes.HistoryChanged"/>: the events of the log.</summary>
        public long? EventCount { get; init; }

        /// <summary>Writes the message.</summary>
        public byte[] ToUtf8Bytes()
            => StreamJson.Write(static (writer, error) =>
            {
                writer.WriteString("type"u8, Type);
                writer.WriteString("error"u8, error.Text);
                writer.WriteString("code"u8, error.Code);
                if (error.Checkpoint is { } checkpoint) writer.WriteString("checkpoint"u8, checkpoint.ToString());
                if (error.Window is { } window) writer.WriteNumber("window"u8, window);
                if (error.Epoch is { } epoch) writer.WriteString("epoch"u8, epoch);
                if (error.EventCount is { } count) writer.WriteNumber("eventCount"u8, count);
            }, this);
    }

    /// <summary>
    /// <c>sync.stream.refused</c>: a message of the client was not accepted. It ends nothing: a stream that runs goes on. A request
    /// that is refused while none runs gets <see cref="Error"/> instead, because its client waits for one.
    /// </summary>
    /// <param name="Of">What was refused: <c>request</c>, <c>ack</c>, <c>push</c>, or <c>message</c> for what is none of them.</param>
    /// <param name="Text">For people.</param>
    /// <param name="Code">One of <see cref="ErrorCodes"/>, or one of a later server.</param>
    public sealed record Refused(string Of, string Text, string Code) : StreamMessage
    {
        /// <summary>The message's <c>type</c>.</summary>
        public const string Type = "sync.stream.refused";

        /// <summary>Writes the message.</summary>
        public byte[] ToUtf8Bytes()
            => StreamJson.Write(static (writer, refused) =>
            {
                writer.WriteString("type"u8, Type);
                writer.WriteString("of"u8, refused.Of);
                writer.WriteString("error"u8, refused.Text);
                writer.WriteString("code"u8, refused.Code);
            }, this);
    }

    /// <summary>A message of a type that this version does not know. Clients ignore it.</summary>
    public sealed record Unknown(string Type) : StreamMessage;
}
