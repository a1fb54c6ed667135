using System.Text.Json.Serialization;
using Dequeue.Contracts;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>How far a stream has come: what goes from one step to the next, and through durable history.</summary>
/// <param name="Target">Where the stream goes.</param>
/// <param name="Plan">What it brings, fixed when it was planned.</param>
public sealed record StreamProgress(StreamTarget Target, StreamPlan Plan)
{
    /// <summary>Everything up to here was sent: of the events that come first until <see cref="IsReady"/>, then of the others.</summary>
    public Checkpoint Position { get; init; }

    /// <summary>Whether the events that come first have all been sent, and <c>ready</c> if there were to be any.</summary>
    public bool IsReady { get; init; }

    /// <summary>The index of the next batch.</summary>
    public int NextBatch { get; init; }

    /// <summary>Events sent so far.</summary>
    public long SentEvents { get; init; }

    /// <summary>Bytes of batches sent so far.</summary>
    public long SentBytes { get; init; }

    /// <summary>The connection is no more: there is nobody to send to.</summary>
    public bool HasGone { get; init; }

    /// <summary>The digest of the whole stream, once it was sent in a single window.</summary>
    public string? Digest { get; init; }

    /// <summary>Batches that the client has acknowledged, from the first one on.</summary>
    public int Acknowledged { get; init; }

    /// <summary>What <see cref="StreamWindow.Ahead"/> is. Empty in the history of a stream that an older version began.</summary>
    public IReadOnlyList<long> Ahead { get; init; } = [];

    /// <summary>Pages up to here come as URLs: decided once, when the stream was planned, so that all its steps agree.</summary>
    public Checkpoint ReferencesThrough { get; init; } = Checkpoint.Beginning;

    /// <summary>What is on its way to the client.</summary>
    [JsonIgnore]
    public StreamWindow Window => new(Target.Options.Window, NextBatch, Acknowledged, Ahead);

    /// <summary>Where its batches go on.</summary>
    [JsonIgnore]
    public BatchPosition Next => new(Position, IsReady, NextBatch, SentEvents);

    /// <summary>Whether every event was sent.</summary>
    [JsonIgnore]
    public bool IsSent => IsReady && SentEvents >= Plan.TotalEvents;

    /// <summary>Where a client that asks again goes on.</summary>
    [JsonIgnore]
    public Checkpoint ResumeAt => IsReady ? Position : Plan.Since;

    /// <summary>Whether its digest can come of what is sent from here on: nobody knows it yet, nothing was sent, and no page comes by URL, whose bytes are
    /// not at hand.</summary>
    [JsonIgnore]
    public bool IsHashedOnItsWay => Plan.Digest is null && NextBatch == 0 && ReferencesThrough <= Plan.Since;

    /// <summary>The progress after an acknowledgement.</summary>
    /// <param name="batchIndex">The last batch that the client has processed.</param>
    public StreamProgress Acknowledge(int batchIndex)
    {
        var window = Window.Acknowledge(batchIndex);
        return this with { Acknowledged = window.Acknowledged, Ahead = window.Ahead };
    }

    /// <summary>The progress after a batch.</summary>
    /// <param name="batch">What was sent.</param>
    /// <param name="bytes">Its bytes.</param>
    public StreamProgress Sent(StreamBatch batch, long bytes)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return this with
        {
            Position = batch.LastEvent,
            NextBatch = batch.Index + 1,
            SentEvents = SentEvents + batch.Count,
            SentBytes = SentBytes + bytes,
            Ahead = Window.Send(bytes).Ahead,
        };
    }

    /// <summary>The progress once the events that come first are with the client.</summary>
    public StreamProgress Ready() => this with { IsReady = true, Position = Plan.Since };
}
