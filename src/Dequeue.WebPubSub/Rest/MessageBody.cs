using System.Buffers;
using System.Globalization;
using System.Text;
using Dequeue.WebPubSub.Messages;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Dequeue.WebPubSub.Rest;

/// <summary>Reads the body of a send into a message: once, into the array that every receiver shares.</summary>
internal static class MessageBody
{
    /// <summary>Longest time to live in seconds, from the service's API description.</summary>
    private const int MaxTtlSeconds = 300;

    /// <summary>Reads the body; on a refusal the result says why.</summary>
    /// <param name="context">The call.</param>
    /// <param name="envelope">Makes the envelope for a type of payload.</param>
    /// <param name="service">The service.</param>
    public static async Task<(Message? Message, RestResult? Refusal)> ReadAsync(
        HttpContext context, Func<DataType, byte[]> envelope, ServiceContext service)
    {
        var request = context.Request;
        if (!TryReadTtl(request.Query, service.Options.TimeProvider, out var expires))
        {
            return Refuse(RestResult.BadRequest($"messageTtlSeconds is a number from 0 to {MaxTtlSeconds}.", "messageTtlSeconds"));
        }

        MediaTypeHeaderValue? contentType = null;
        if (!string.IsNullOrEmpty(request.ContentType) && !MediaTypeHeaderValue.TryParse(request.ContentType, out contentType)
            || !MediaTypes.TryDataType(contentType?.MediaType.Value, out var type)
            || !TryCharset(contentType, out var encoding))
        {
            return Refuse(new RestResult(415, new RestError(
                "Error.UnsupportedMediaType", "The content type is text/plain, application/json or application/octet-stream.", "Content-Type")));
        }

        var max = service.Options.Limits.MaxMessageBytes;
        if (request.ContentLength > max) return Refuse(TooLong());
        Message message;
        if (request.ContentLength is { } length && (type == DataType.Binary || encoding is null))
        {
            message = new Message(envelope(type), type, (int)length, expires);
            await request.Body.ReadExactlyAsync(message.Data, context.RequestAborted);
        }
        else
        {
            if (await ReadBytesAsync(request, max, context.RequestAborted) is not { } bytes) return Refuse(TooLong());
            if (type != DataType.Binary && encoding is not null) bytes = Encoding.UTF8.GetBytes(encoding.GetString(bytes));
            message = new Message(envelope(type), type, bytes, expires);
        }

        return MediaTypes.IsWellFormed(type, message.Data.Span)
            ? (message, null)
            : Refuse(RestResult.BadRequest(type == DataType.Json ? "The body is not valid JSON." : "The body is not valid UTF-8."));
    }

    /// <summary>Reads a body of any length up to a limit; null when it is longer.</summary>
    public static async Task<byte[]?> ReadBytesAsync(HttpRequest request, int max, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            var isTooLong = read.Buffer.Length > max;
            var bytes = read.IsCompleted && !isTooLong ? read.Buffer.ToArray() : null;
            request.BodyReader.AdvanceTo(bytes is null ? read.Buffer.Start : read.Buffer.End, read.Buffer.End);
            if (bytes is not null || isTooLong) return bytes;
        }
    }

    private static (Message?, RestResult?) Refuse(RestResult result) => (null, result);

    private static RestResult TooLong() => RestResult.BadRequest("Invalid Content-Length header.", "Content-Length");

    private static bool TryReadTtl(IQueryCollection query, TimeProvider time, out long? expires)
    {
        expires = null;
        if (query["messageTtlSeconds"].LastOrDefault() is not { Length: > 0 } text) return true;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > MaxTtlSeconds) return false;
        if (seconds > 0) expires = time.GetTimestamp() + seconds * time.TimestampFrequency;
        return true;
    }

    /// <param name="contentType">The content type.</param>
    /// <param name="encoding">Null for UTF-8, which needs no translation.</param>
    private static bool TryCharset(MediaTypeHeaderValue? contentType, out Encoding? encoding)
    {
        encoding = null;
        if (contentType is not { Charset: { HasValue: true, Length: > 0 } }) return true;
        encoding = contentType.Encoding;
        if (encoding is null) return false;
        if (encoding.CodePage == Encoding.UTF8.CodePage) encoding = null;
        return true;
    }
}
