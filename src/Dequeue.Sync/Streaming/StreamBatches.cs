using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>Where the batches of a stream go on.</summary>
/// <param name="After">Everything up to here was sent: of the events that come first until <paramref name="IsReady"/>, then of the others.</param>
/// <param name="IsReady">Whether the events that come first have all been sent.</param>
/// <param name="NextBatch">The index of the next batch.</param>
/// <param name="SentEvents">Events sent so far.</param>
public readonly record struct BatchPosition(Checkpoint After, bool IsReady, int NextBatch, long SentEvents);

/// <summary>How the events of a stream are put into batches.</summary>
/// <param name="MaxEvents">Most events of a batch, as the client asked.</param>
/// <param name="KeepsPacked">Whether pages may stay as they are stored.</param>
/// <param name="ReferencesThrough">Pages up to here come as URLs, if they can; <see cref="Checkpoint.Beginning"/> for none.</param>
public sealed record BatchForm(int MaxEvents, bool KeepsPacked, Checkpoint ReferencesThrough);

/// <summary>A stream as a sequence of batches, from the log. It knows neither who gets them nor how many of them at once.</summary>
public sealed class StreamBatches(EventLog events, PageOffers offers)
{
    /// <summary>
    /// Reads the batches of a planned stream from a position on, to its end; who has enough for now stops. From one position always the
    /// same batches come, with the same indexes, because the log never changes up to a plan's end.
    /// </summary>
    /// <param name="log">Whose.</param>
    /// <param name="plan">What the stream brings.</param>
    /// <param name="at">Where to go on.</param>
    /// <param name="form">How batches are made.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="LogCorruptException">The log has other events than were planned.</exception>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public async IAsyncEnumerable<StreamBatch> ReadAsync(
        LogKey log, StreamPlan plan, BatchPosition at, BatchForm form, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(form);
        var selection = await events.SelectAsync(log, plan, cancellationToken);
        if (!at.IsReady)
        {
            var pages = events.ReadSelectedAsync(log, selection.First!, at.After, plan.End, cancellationToken);
            await foreach (var batch in CutAsync(pages, plan, at, form, plan.PriorityEvents!.Value, cancellationToken))
            {
                at = at with { NextBatch = batch.Index + 1, SentEvents = at.SentEvents + batch.Count };
                yield return batch with { IsPriorityEnd = at.SentEvents == plan.PriorityEvents };
            }

            at = at with { IsReady = true, After = plan.Since };
        }

        if (at.SentEvents >= plan.TotalEvents) yield break;
        await foreach (var batch in CutAsync(Rest(log, plan, selection, at, form, cancellationToken), plan, at, form, plan.TotalEvents, cancellationToken))
            yield return batch;
    }

    private IAsyncEnumerable<EventPage> Rest(
        LogKey log, StreamPlan plan, StreamSelection selection, BatchPosition at, BatchForm form, CancellationToken cancellationToken)
    {
        var offersSome = form.ReferencesThrough > at.After;
        var stored = events.ReadRestAsync(log, plan, selection, at.After, offersSome || form.KeepsPacked, cancellationToken);
        return offersSome
            ? offers.OfferAsync(log, stored, new OfferRule(form.ReferencesThrough, form.MaxEvents, form.KeepsPacked), cancellationToken)
            : stored;
    }

    private static async IAsyncEnumerable<StreamBatch> CutAsync(
        IAsyncEnumerable<EventPage> pages, StreamPlan plan, BatchPosition at, BatchForm form, long upTo,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cutter = new BatchCutter(at.NextBatch, plan.TotalEvents - at.SentEvents)
        {
            MaxEvents = form.MaxEvents,
            PriorityCheckpoint = at.IsReady ? null : plan.Since,
        };
        var sent = at.SentEvents;
        await foreach (var batch in cutter.CutAsync(pages, cancellationToken))
        {
            sent += batch.Count;
            yield return batch;
        }

        // Else the next window would find nothing to send either, and the one after it.
        if (sent != upTo) throw new LogCorruptException($"A stream was to send {upTo} events, and the log has {sent}.");
    }
}
