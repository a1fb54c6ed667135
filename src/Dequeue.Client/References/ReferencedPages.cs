using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.References;

/// <summary>Fetches the pages of one batch side by side and hands them out in their order.</summary>
/// <param name="pages">The references, in order.</param>
/// <param name="fetch">Fetches one; a failure is a value.</param>
internal sealed class ReferencedPages(IReadOnlyList<PageReference> pages, Func<PageReference, CancellationToken, Task<ReferencedPage>> fetch) : IAsyncDisposable
{
    /// <summary>Pages that are fetched, or wait for their turn, at once: enough to fill a link beside the latency of each, and a bound
    /// to the memory.</summary>
    public const int Ahead = 4;

    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<Task<ReferencedPage>> _fetching = new();
    private int _started;

    /// <summary>The next page.</summary>
    public async Task<ReferencedPage> NextAsync(CancellationToken cancellationToken)
    {
        Start();
        var next = await _fetching.Peek().WaitAsync(cancellationToken).ConfigureAwait(false);
        _ = _fetching.Dequeue();
        Start();
        return next;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await ((Task)Task.WhenAll(_fetching)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private void Start()
    {
        while (_fetching.Count < Ahead && _started < pages.Count) _fetching.Enqueue(FetchAsync(pages[_started++]));
    }

    // Away from the caller: a page is unpacked, read and hashed on the way.
    private async Task<ReferencedPage> FetchAsync(PageReference page)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return await fetch(page, _stop.Token).ConfigureAwait(false);
    }
}
