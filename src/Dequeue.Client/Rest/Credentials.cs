namespace Dequeue.Client.Rest;

/// <summary>The token of one run: asked for once, and once more after a 401.</summary>
internal sealed class Credentials(TokenProvider provider)
{
    private string? _token;
    private bool _refreshed;

    public async ValueTask<string> TokenAsync(CancellationToken cancellationToken)
        => _token ??= await provider(refused: false, cancellationToken).ConfigureAwait(false);

    /// <summary>Asks for a fresh token.</summary>
    /// <returns>False when this run already did.</returns>
    public async ValueTask<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        if (_refreshed) return false;
        _refreshed = true;
        _token = await provider(refused: true, cancellationToken).ConfigureAwait(false);
        return true;
    }
}
