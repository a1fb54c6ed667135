using System.Net;

namespace Dequeue.WebPubSub.Upstream;

/// <summary>
/// Asks an event handler's URL whether it wants events of this service at all (CloudEvents web hook validation). An answer is
/// kept: a yes for a minute, a no for a second at first, doubling up to a minute.
/// </summary>
internal sealed class AbuseProtection(HttpClient http, Uri endpoint, TimeProvider time)
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<Uri, Entry> _entries = [];

    /// <summary>Whether the URL allows this service. Callers who ask at once share one request.</summary>
    public Task<Answer> AskAsync(Uri url, CancellationToken cancellationToken)
    {
        Task<Answer> check;
        lock (_gate)
        {
            if (!_entries.TryGetValue(url, out var entry)) _entries[url] = entry = new Entry();
            if (entry.Check is null || entry.Check.IsCompleted && time.GetUtcNow() >= entry.KeptUntil) entry.Check = CheckAsync(url, entry);
            check = entry.Check;
        }

        return check.WaitAsync(cancellationToken);
    }

    private async Task<Answer> CheckAsync(Uri url, Entry entry)
    {
        var answer = default(Answer);
        using var timeout = new CancellationTokenSource(CheckTimeout, time);
        try
        {
            answer = await AskAsync(url, HttpMethod.Options, timeout.Token);

            // It does not know the method.
            if (answer.Status == (int)HttpStatusCode.NotFound) answer = await AskAsync(url, HttpMethod.Get, timeout.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            // Unreachable or too slow: a no, for as long as a no is kept.
        }

        lock (_gate)
        {
            entry.Failures = answer.Allows ? 0 : entry.Failures + 1;
            var kept = answer.Allows ? KeptFor : TimeSpan.FromSeconds(Math.Min(KeptFor.TotalSeconds, Math.Pow(2, entry.Failures - 1)));
            entry.KeptUntil = time.GetUtcNow() + kept;
        }

        return answer;
    }

    private async Task<Answer> AskAsync(Uri url, HttpMethod method, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, url);
        request.Headers.TryAddWithoutValidation("WebHook-Request-Origin", endpoint.Host);
        request.Headers.TryAddWithoutValidation("ce-awpsversion", "1.0");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        var allows = response.IsSuccessStatusCode && response.Headers.TryGetValues("WebHook-Allowed-Origin", out var origins)
            && origins.Any(origin => origin.Trim() is var name && (name == "*"
                || name.Equals(endpoint.Host, StringComparison.OrdinalIgnoreCase)
                || name.Equals(endpoint.Authority, StringComparison.OrdinalIgnoreCase)));
        return new Answer(allows, (int)response.StatusCode);
    }

    /// <summary>What a URL answered.</summary>
    /// <param name="Allows">Whether it wants events.</param>
    /// <param name="Status">Its status; 0 when there was no answer.</param>
    internal readonly record struct Answer(bool Allows, int Status);

    private sealed class Entry
    {
        public Task<Answer>? Check { get; set; }

        public DateTimeOffset KeptUntil { get; set; }

        public int Failures { get; set; }
    }
}
