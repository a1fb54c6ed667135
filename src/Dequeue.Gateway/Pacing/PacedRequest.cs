using Dequeue.Contracts.Streaming;

namespace Dequeue.Gateway.Pacing;

/// <summary>A request as it goes to Web PubSub, for a client that asked for no window.</summary>
/// <param name="Message">The client's own request and, behind it, what the gateway adds: of a field that stands twice the last counts.</param>
/// <param name="Window">Batches that may be on their way.</param>
/// <param name="Opens">Whether the client wants plain batches, so that compressed ones are opened here.</param>
internal sealed record PacedRequest(byte[] Message, int Window, bool Opens)
{
    /// <summary>
    /// Batches of 1,000 events that may be on their way to the gateway: about 2.5 MB compressed. They wait here while their client is
    /// slow, so that the connection to Web PubSub is always read and never looks dead. More than one durable step sends.
    /// </summary>
    public const int Batches = 32;

    /// <summary>What becomes of a client's message.</summary>
    /// <returns>Null when it is passed on as it is: it is no request, or the client takes care of itself.</returns>
    public static PacedRequest? Of(ReadOnlySpan<byte> message)
    {
        if (StreamRequest.Read(message) is not StreamRequestReading.Accepted { Request: { Window: null } request }) return null;
        var encoding = BatchEncodings.Choose(request.Encodings);

        // What a client opens itself is passed on as it comes; its batches are counted where the gateway can look into them.
        if (encoding is not (null or BatchEncodings.Gzip or BatchEncodings.Brotli)) return null;
        var window = StreamWindows.Of(Batches, request.BatchSize);
        var end = message.LastIndexOf((byte)'}');
        var added = encoding is null ? $",\"window\":{window},\"encodings\":[\"{BatchEncodings.Gzip}\"]}}" : $",\"window\":{window}}}";
        return new PacedRequest([.. message[..end], .. System.Text.Encoding.ASCII.GetBytes(added)], window, Opens: encoding is null);
    }
}
