using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Dequeue.Client.Rest;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.References;

/// <summary>What came of fetching a page: its events, their digest, and the bytes on the wire; or a failure.</summary>
internal readonly record struct ReferencedPage(IReadOnlyList<SyncEvent> Events, string Digest, long Bytes, SyncFailure? Failure)
{
    private static readonly StringWithQualityHeaderValue Gzip = new("gzip");

    /// <summary>Fetches a page by its URL, which is the only proof it needs: the token goes nowhere but to the server.</summary>
    public static async Task<ReferencedPage> FetchAsync(HttpClient http, PageReference page, SyncOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(page.Url, UriKind.Absolute, out var url) || !IsAllowed(url, options.Server)) return Failed(SyncFailureKind.BadAnswer, "has no HTTPS address");
        using var timeout = new CancellationTokenSource(options.RequestTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.AcceptEncoding.Add(Gzip);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK) return Failed(HttpFailure.KindOf((int)response.StatusCode), $"was refused with {(int)response.StatusCode}");

            // A page stands for a batch, so it may be no larger.
            var (body, bytes) = await BoundedBody.ReadAsync(response.Content, options.MaxMessageBytes, both.Token).ConfigureAwait(false);
            return Read(body) is { } events ? new ReferencedPage(events, EventDigest.Of(events), bytes, null) : Failed(SyncFailureKind.BadAnswer, "is no array of events");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed(SyncFailureKind.TimedOut, $"did not come within {options.RequestTimeout.TotalSeconds:0.#} s");
        }
        catch (Exception e) when (NetworkFailure.Is(e))
        {
            return Failed(SyncFailureKind.Unreachable, "could not be fetched");
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            return Failed(SyncFailureKind.BadAnswer, "is damaged or too large");
        }
    }

    private static List<SyncEvent>? Read(ReadOnlyMemory<byte> body)
    {
        var reader = new Utf8JsonReader(body.Span);
        reader.Read();
        var events = new SyncEventReader().ReadArray(ref reader, body);
        return events is null || reader.Read() ? null : events;
    }

    // Plain HTTP is for development: a server and a blob storage on this machine.
    private static bool IsAllowed(Uri url, Uri server)
        => url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp && url.IsLoopback && server.Scheme == Uri.UriSchemeHttp && server.IsLoopback;

    private static ReferencedPage Failed(SyncFailureKind kind, string what) => new([], "", 0, new SyncFailure(kind, $"A page by reference {what}."));
}
