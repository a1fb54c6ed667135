using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// Offers the sealed pages of long histories as URLs. A page that cannot be offered is left as it is, to be sent like any other: no
/// stream fails for it.
/// </summary>
/// <param name="shelf">Where clients fetch them; null to offer none.</param>
/// <param name="fromBytes">Streams of more bytes of JSON than this are offered so.</param>
/// <param name="clock">Measures how long a shelf that failed rests.</param>
/// <param name="logger">Hears when the shelf fails.</param>
public sealed class PageOffers(IPageShelf? shelf, long fromBytes, TimeProvider clock, ILogger<PageOffers> logger)
{
    /// <summary>Pages that are put on the shelf at once, ahead of the one that is sent next. A page has about 80 KB, at most 900.</summary>
    public const int UploadsAtOnce = 4;

    /// <summary>Hexadecimal digits of the digest in a page's name: a log never holds two pages that end at one position but differ.</summary>
    private const int DigestDigits = 16;

    private readonly RestingShelf? _shelf = shelf is null ? null : new RestingShelf(shelf, clock, logger);

    /// <summary>What all the URLs begin with: scheme, host and port; null when nothing is offered.</summary>
    public Uri? Origin => _shelf?.Origin;

    /// <summary>Up to where the pages of a planned stream are offered; <see cref="Checkpoint.Beginning"/> for none.</summary>
    public Checkpoint Through(StreamPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return _shelf is null or { IsResting: true } || plan.Bytes <= fromBytes ? Checkpoint.Beginning : plan.SealedThrough;
    }

    /// <summary>Gives pages on in their order, those that can be offered with their <see cref="EventPage.Reference"/>.</summary>
    /// <param name="log">Whose they are.</param>
    /// <param name="pages">The pages, read packed.</param>
    /// <param name="rule">Which of them may be offered, and how the others come.</param>
    /// <param name="cancellationToken">Stops reading and offering.</param>
    public async IAsyncEnumerable<EventPage> OfferAsync(
        LogKey log, IAsyncEnumerable<EventPage> pages, OfferRule rule, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pages);
        ArgumentNullException.ThrowIfNull(rule);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ahead = new Queue<Task<EventPage>>(UploadsAtOnce);
        try
        {
            await foreach (var page in pages.WithCancellation(cancellationToken))
            {
                ahead.Enqueue(rule.Allows(page) ? OfferAsync(log, page, rule, stop.Token) : Task.FromResult(rule.Inline(page)));
                if (ahead.Count == UploadsAtOnce) yield return await ahead.Dequeue();
            }

            while (ahead.TryDequeue(out var next)) yield return await next;
        }
        finally
        {
            // A consumer that left early: what was begun is given up.
            await stop.CancelAsync();
            await ((Task)Task.WhenAll(ahead)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Takes everything of a log off the shelf, as when an account is deleted.</summary>
    /// <param name="shelf">Where they were offered.</param>
    /// <param name="log">The log. Erase it first: as long as it is there, a stream may offer its pages again.</param>
    /// <param name="cancellationToken">Gives up. Calling again goes on.</param>
    /// <returns>How many pages.</returns>
    /// <exception cref="StorageUnavailableException">The shelf does not answer.</exception>
    public static Task<int> EraseAsync(IPageShelf shelf, LogKey log, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(shelf);
        return shelf.EraseAsync(Folder(log), cancellationToken);
    }

    private async Task<EventPage> OfferAsync(LogKey log, EventPage page, OfferRule rule, CancellationToken cancellationToken)
    {
        var digest = Convert.ToHexStringLower(page.Digest!.Value.Span);
        return _shelf is { IsResting: false } && await _shelf.OfferAsync($"{Folder(log)}{page.Last.Ticks:D19}-{digest[..DigestDigits]}", Content(page), cancellationToken) is { } url
            ? page.OfferedAs(new PageReference(url.AbsoluteUri, page.Last, page.Count, digest))
            : rule.Inline(page);
    }

    /// <summary>
    /// What the names of a log's pages begin with: hexadecimal SHA-256 of its partition. So no two logs share one, every character may
    /// stand in a blob's name, and a URL does not tell the user's name.
    /// </summary>
    private static string Folder(LogKey log) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(LogRows.Partition(log)))) + "/";

    /// <summary>The page as a JSON array in one gzip member, its events as they are stored.</summary>
    private static List<ReadOnlyMemory<byte>> Content(EventPage page)
    {
        var member = new GzipMember();
        member.AddStored("["u8);
        member.Add(page.Pack());
        member.AddStored("]"u8, isFinal: true);
        return member.Finish();
    }
}
