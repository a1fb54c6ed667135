using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Http;
using Dequeue.Sync.Log;
using Dequeue.Sync.Paging;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Pulling;

/// <summary>Answers with pages of events. What all readers together make the process hold is bounded.</summary>
public sealed class EventPages(EventLog events, MemoryBudget memory, TimeProvider clock)
{
    /// <summary>Answers with the page after a checkpoint.</summary>
    /// <param name="request">The call.</param>
    /// <param name="log">Whose events.</param>
    /// <param name="since">Events strictly after this position.</param>
    /// <param name="limit">Events wanted, or null.</param>
    /// <param name="compact">What is left out; null for nothing.</param>
    /// <param name="claim">What the caller says of its store.</param>
    /// <param name="cancellationToken">The caller has gone.</param>
    public async Task<IResult> AnswerAsync(
        HttpRequest request, LogKey log, Checkpoint since, int? limit, StreamCompact? compact, HistoryClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);

        var head = await events.ReadHeadAsync(log, cancellationToken);
        if (!await events.FitsAsync(log, head, since, claim, cancellationToken)) return Problems.HistoryChanged(head);

        // Taken before any event is read: how much there is, is known afterwards.
        if (await memory.TakeAsync(log, EventPaging.MaxBytes, cancellationToken) is not { } lease) return Problems.Busy();
        request.HttpContext.Response.RegisterForDispose(lease);
        var page = await events.PullAsync(log, head, since, limit, compact, cancellationToken);
        lease.Shrink(page.EventBytes);
        return new EventPageResult(page, tellsPosition: !claim.IsEmpty, lease, clock);
    }
}
