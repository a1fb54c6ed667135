using Azure.Core;
using Dequeue.Functions.Live;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// Sends messages onto a connection's own group, in the form that the client reads. Web PubSub keeps the order of one group only
/// when each send is awaited before the next, and so does this.
/// </summary>
public sealed class ConnectionChannel(WebPubSubServiceClient service)
{
    private const int NotFound = 404;

    /// <summary>Sends one message.</summary>
    public Task SendAsync(StreamTarget target, byte[] message, CancellationToken cancellationToken)
        => SendAsync(target, RequestContent.Create(message), isJson: true, cancellationToken);

    /// <summary>Sends a batch, as a <see cref="BatchWriter"/> wrote it.</summary>
    /// <returns>Its bytes.</returns>
    public Task<long> SendAsync(StreamTarget target, IReadOnlyList<ReadOnlyMemory<byte>> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        return SendAsync(target, new PartsContent(batch), isJson: target.Options.Encoding is null, cancellationToken);
    }

    /// <summary>Lets the connection have newly committed events from now on.</summary>
    /// <returns>False when it has gone.</returns>
    public async Task<bool> JoinLiveAsync(StreamTarget target, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        try
        {
            await service.AddConnectionToGroupAsync(
                LiveGroup.OfStreams(target.Log(), target.SpeaksJson), target.ConnectionId, new Azure.RequestContext { CancellationToken = cancellationToken });
            return true;
        }
        catch (Azure.RequestFailedException gone) when (gone.Status == NotFound)
        {
            return false;
        }
    }

    /// <summary>Lets the connection have no more newly committed events, as far as Web PubSub can be told.</summary>
    public async Task LeaveLiveAsync(StreamTarget target, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        try
        {
            await service.RemoveConnectionFromGroupAsync(
                LiveGroup.OfStreams(target.Log(), target.SpeaksJson), target.ConnectionId, new Azure.RequestContext { CancellationToken = cancellationToken });
        }
        catch (Azure.RequestFailedException)
        {
            // This is on the way of another failure, which is the one to tell.
        }
    }

    /// <summary>Whether the connection is still there.</summary>
    public async Task<bool> IsOpenAsync(StreamTarget target, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        return await service.ConnectionExistsAsync(target.ConnectionId, new Azure.RequestContext { CancellationToken = cancellationToken });
    }

    private async Task<long> SendAsync(StreamTarget target, RequestContent content, bool isJson, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        content.TryComputeLength(out var bytes);
        using var span = SyncTelemetry.Spans.StartActivity("stream.send", System.Diagnostics.ActivityKind.Producer);
        span?.SetTag("messaging.message.body.size", bytes);
        using (content)
        {
            await service.SendToGroupAsync(
                target.Group,
                content,
                target.SpeaksJson && isJson ? ContentType.ApplicationJson : ContentType.ApplicationOctetStream,
                context: new Azure.RequestContext { CancellationToken = cancellationToken });
        }

        return bytes;
    }

    private sealed class PartsContent(IReadOnlyList<ReadOnlyMemory<byte>> parts) : RequestContent
    {
        public override bool TryComputeLength(out long length)
        {
            length = parts.Sum(part => (long)part.Length);
            return true;
        }

        public override void WriteTo(Stream stream, CancellationToken cancellation)
        {
            foreach (var part in parts) stream.Write(part.Span);
        }

        public override async Task WriteToAsync(Stream stream, CancellationToken cancellation)
        {
            foreach (var part in parts) await stream.WriteAsync(part, cancellation);
        }

        public override void Dispose()
        {
        }
    }
}
