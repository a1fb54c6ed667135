using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Rest;

/// <summary>The REST calls of the contract. Every failure is a value; only the caller's own cancellation is an exception.</summary>
internal sealed class RestClient(HttpClient http, SyncOptions options, Credentials credentials, TimeProvider time)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private readonly SyncEventReader _events = new();

    public Task<RestAnswer<NegotiateResponse>> NegotiateAsync(CancellationToken cancellationToken)
        => PostAsync(
            options.SyncCall("stream/negotiate"),
            ReadOnlyMemory<byte>.Empty,
            static body => JsonSerializer.Deserialize(body.Span, RestJson.Default.NegotiateResponse),
            options.ConnectTimeout,
            cancellationToken);

    /// <summary>The next page after a checkpoint.</summary>
    /// <param name="since">The checkpoint.</param>
    /// <param name="claim">What is said of the store.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<RestAnswer<EventPageBody>> PullAsync(Checkpoint since, HistoryClaim claim, CancellationToken cancellationToken)
        => PullAsync(since, options.PageSize, options.Compact, claim, cancellationToken);

    /// <summary>The same, with nothing left out.</summary>
    public Task<RestAnswer<EventPageBody>> PullAllAsync(Checkpoint since, HistoryClaim claim, CancellationToken cancellationToken)
        => PullAsync(since, options.PageSize, null, claim, cancellationToken);

    /// <summary>The next <paramref name="count"/> events after a checkpoint, in as many pages as that takes.</summary>
    public async Task<RestAnswer<IReadOnlyList<SyncEvent>>> RangeAsync(Checkpoint since, int count, CancellationToken cancellationToken)
    {
        var (events, bytes) = (new List<SyncEvent>(count), 0L);
        while (events.Count < count)
        {
            var answer = await PullAsync(since, Math.Min(count - events.Count, options.PageSize), null, default, cancellationToken).ConfigureAwait(false);
            if (answer is RestAnswer<EventPageBody>.Failed failed) return new RestAnswer<IReadOnlyList<SyncEvent>>.Failed(failed.Failure);
            var (page, wireBytes) = (RestAnswer<EventPageBody>.Ok)answer;
            bytes += wireBytes;
            if (page.Events.Count == 0 || page.NextCheckpoint <= since || events.Count + page.Events.Count > count)
                return Failed<IReadOnlyList<SyncEvent>>(SyncFailureKind.BadAnswer, $"The pages after {since} do not have the {count} events that they should.");
            events.AddRange(page.Events);
            since = page.NextCheckpoint;
        }

        return new RestAnswer<IReadOnlyList<SyncEvent>>.Ok(events, bytes);
    }

    /// <summary>The server's digests of parts of the log, one for each checkpoint.</summary>
    public Task<RestAnswer<DigestsResponse>> DigestsAsync(Checkpoint since, IReadOnlyList<Checkpoint> checkpoints, CancellationToken cancellationToken)
        => PostAsync(
            options.SyncCall("digests"),
            JsonSerializer.SerializeToUtf8Bytes(new DigestsRequest(since, checkpoints), RestJson.Default.DigestsRequest),
            body => JsonSerializer.Deserialize(body.Span, RestJson.Default.DigestsResponse) is { Ranges: { } ranges } answer
                && ranges.Count == checkpoints.Count
                && ranges.Zip(checkpoints).All(static pair => pair.First is { Digest: not null, Count: >= 0 and <= PageLimits.Max } && pair.First.Checkpoint == pair.Second)
                    ? answer
                    : null,
            options.RequestTimeout,
            cancellationToken);

    /// <summary>The digests of the first pages after a checkpoint, as the server stores them.</summary>
    public Task<RestAnswer<DigestsResponse>> PageDigestsAsync(Checkpoint since, CancellationToken cancellationToken)
        => PostAsync(
            options.SyncCall("digests"),
            System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"since\":\"{since}\",\"pages\":{DigestsRequest.MaxRanges}}}")),
            body => JsonSerializer.Deserialize(body.Span, RestJson.Default.DigestsResponse) is { Ranges: { } ranges } answer && Rise(since, ranges) ? answer : null,
            options.RequestTimeout,
            cancellationToken);

    private static bool Rise(Checkpoint since, IReadOnlyList<RangeDigest> ranges)
    {
        foreach (var range in ranges)
        {
            if (range is not { Digest: not null, Count: > 0 and <= PageLimits.Max } || range.Checkpoint <= since) return false;
            since = range.Checkpoint;
        }

        return true;
    }

    private Task<RestAnswer<EventPageBody>> PullAsync(
        Checkpoint since, int limit, StreamCompact? compact, HistoryClaim claim, CancellationToken cancellationToken)
        => PostAsync(
            options.SyncCall("pull"),
            PullRequest.Write(since, limit, compact, claim),
            body => EventPageBody.Read(body, _events),
            options.RequestTimeout,
            cancellationToken);

    public Task<RestAnswer<PushResponse>> PushAsync(ReadOnlyMemory<byte> events, CancellationToken cancellationToken)
        => PostAsync(
            options.SyncCall("push"),
            events,
            static body => JsonSerializer.Deserialize(body.Span, RestJson.Default.PushResponse) is { Acknowledged: not null, Rejected: not null, Errors: not null } answer ? answer : null,
            options.RequestTimeout,
            cancellationToken);

    private async Task<RestAnswer<T>> PostAsync<T>(
        Uri address, ReadOnlyMemory<byte> body, Func<ReadOnlyMemory<byte>, T?> read, TimeSpan limit, CancellationToken cancellationToken)
        where T : class
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            while (true)
            {
                using var request = await RequestAsync(address, body, both.Token).ConfigureAwait(false);
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
                if (response.StatusCode == HttpStatusCode.Unauthorized && await credentials.RefreshAsync(both.Token).ConfigureAwait(false)) continue;
                var (content, bytes) = await BoundedBody.ReadAsync(response.Content, options.MaxBodyBytes, both.Token).ConfigureAwait(false);
                if (!response.IsSuccessStatusCode) return new RestAnswer<T>.Failed(Refusal(response, content.Span));
                return read(content) is { } answer ? new RestAnswer<T>.Ok(answer, bytes) : BadAnswer<T>(address);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed<T>(SyncFailureKind.TimedOut, $"{address.AbsolutePath} did not answer within {limit.TotalSeconds:0.#} s.");
        }
        catch (Exception e) when (NetworkFailure.Is(e))
        {
            return new RestAnswer<T>.Failed(NetworkFailure.Of(e, address.AbsolutePath));
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            return BadAnswer<T>(address);
        }
    }

    private async Task<HttpRequestMessage> RequestAsync(Uri address, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = Json;
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await credentials.TokenAsync(cancellationToken).ConfigureAwait(false));
        request.Headers.AcceptEncoding.ParseAdd("br");
        request.Headers.AcceptEncoding.ParseAdd("gzip");
        return request;
    }

    private SyncFailure Refusal(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        var problem = ReadProblem(body);
        var status = (int)response.StatusCode;
        if (problem is { Code: ErrorCodes.HistoryChanged })
            return SyncFailure.OtherHistory(problem.Epoch, problem.EventCount) with { Status = status };
        return new SyncFailure(
            IsSlowBody(status, problem) ? SyncFailureKind.TimedOut : HttpFailure.KindOf(status, isVerdict: problem?.Code is not null),
            problem?.Detail ?? problem?.Title ?? $"The answer was {status}, and no problem document of the server.",
            problem?.Code,
            status,
            HttpFailure.RetryAfter(response.Headers.RetryAfter?.ToString(), time));
    }

    // Servers of version 0.1 answer 400 for it, not 408.
    private static bool IsSlowBody(int status, Problem? problem)
        => status == 400 && problem?.Detail?.Contains("arriving too slowly", StringComparison.Ordinal) == true;

    private static Problem? ReadProblem(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, RestJson.Default.Problem);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static RestAnswer<T>.Failed BadAnswer<T>(Uri address)
        => Failed<T>(SyncFailureKind.BadAnswer, $"{address.AbsolutePath} answered something else than the contract says.");

    private static RestAnswer<T>.Failed Failed<T>(SyncFailureKind kind, string message) => new(new SyncFailure(kind, message));
}
