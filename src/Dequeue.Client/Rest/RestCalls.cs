using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;

namespace Dequeue.Client.Rest;

/// <summary>The REST calls of the contract. Every failure is a value; only the caller's own cancellation is an exception.</summary>
internal sealed class RestCalls(HttpClient http, SyncOptions options, Credentials credentials, TimeProvider time)
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

    public Task<RestAnswer<EventPageBody>> PullAsync(Checkpoint since, CancellationToken cancellationToken)
        => PostAsync(
            options.SyncCall("pull"),
            System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"since\":\"{since}\",\"limit\":{options.PageSize}}}")),
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
                using var request = await RequestAsync(address, body, both.Token);
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
                if (response.StatusCode == HttpStatusCode.Unauthorized && await credentials.RefreshAsync(both.Token)) continue;
                var (content, bytes) = await ReadBodyAsync(response.Content, both.Token);
                if (!response.IsSuccessStatusCode) return new RestAnswer<T>.Failed(Refusal(response, content.Span));
                return read(content) is { } answer ? new RestAnswer<T>.Ok(answer, bytes) : BadAnswer<T>(address);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed<T>(SyncFailureKind.TimedOut, $"{address.AbsolutePath} did not answer within {limit.TotalSeconds:0.#} s.");
        }
        catch (HttpRequestException e)
        {
            return Failed<T>(SyncFailureKind.Unreachable, $"{address.AbsolutePath} could not be reached: {e.Message}");
        }
        catch (IOException e)
        {
            return Failed<T>(SyncFailureKind.Unreachable, $"{address.AbsolutePath} was cut off: {e.Message}");
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
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await credentials.TokenAsync(cancellationToken));
        request.Headers.AcceptEncoding.ParseAdd("br");
        request.Headers.AcceptEncoding.ParseAdd("gzip");
        return request;
    }

    // Decompressed here, not by the handler, so that the bytes on the wire are known and the size is bounded.
    private async Task<(ReadOnlyMemory<byte> Body, long WireBytes)> ReadBodyAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var raw = new CountingStream(await content.ReadAsStreamAsync(cancellationToken));
        await using Stream body = content.Headers.ContentEncoding.LastOrDefault() switch
        {
            "br" => new BrotliStream(raw, CompressionMode.Decompress),
            "gzip" => new GZipStream(raw, CompressionMode.Decompress),
            _ => raw,
        };
        var expected = body == raw ? content.Headers.ContentLength : content.Headers.ContentLength * 8;
        var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Clamp((expected ?? 32 * 1024) + 1, 1024, options.MaxBodyBytes));
        var length = 0;
        while (true)
        {
            var read = await body.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0) return (buffer.AsMemory(0, length), raw.Count);
            length += read;
            if (length < buffer.Length) continue;
            if (length >= options.MaxBodyBytes) throw new InvalidDataException("The body is too large.");
            Array.Resize(ref buffer, (int)Math.Min(2L * length, options.MaxBodyBytes));
        }
    }

    private SyncFailure Refusal(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        var problem = ReadProblem(body);
        var status = (int)response.StatusCode;
        return new SyncFailure(
            HttpFailure.KindOf(status),
            problem?.Detail ?? problem?.Title ?? $"The server answered {status}.",
            problem?.Code,
            status,
            HttpFailure.RetryAfter(response.Headers.RetryAfter?.ToString(), time));
    }

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
