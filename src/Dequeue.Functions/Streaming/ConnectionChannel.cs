using Azure.Core;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// Sends messages onto a connection's own group, in the form that the client reads. Web PubSub keeps the order of one group only
/// when each send is awaited before the next, and so does this.
/// </summary>
public sealed class ConnectionChannel(WebPubSubServiceClient service)
{
    /// <summary>Sends one message.</summary>
    public Task SendAsync(StreamTarget target, byte[] message, CancellationToken cancellationToken)
        => SendAsync(target, RequestContent.Create(message), cancellationToken);

    /// <summary>Sends a batch without copying its events.</summary>
    /// <returns>Its bytes.</returns>
    public Task<long> SendAsync(StreamTarget target, StreamBatch batch, CancellationToken cancellationToken)
        => SendAsync(target, new BatchContent(batch), cancellationToken);

    /// <summary>Whether the connection is still there.</summary>
    public async Task<bool> IsOpenAsync(StreamTarget target, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        return await service.ConnectionExistsAsync(target.ConnectionId, new Azure.RequestContext { CancellationToken = cancellationToken });
    }

    private async Task<long> SendAsync(StreamTarget target, RequestContent content, CancellationToken cancellationToken)
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
                target.SpeaksJson ? ContentType.ApplicationJson : ContentType.ApplicationOctetStream,
                context: new Azure.RequestContext { CancellationToken = cancellationToken });
        }

        return bytes;
    }

    private sealed class BatchContent(StreamBatch batch) : RequestContent
    {
        private readonly ReadOnlyMemory<byte>[] _parts = Parts(batch);

        public override bool TryComputeLength(out long length)
        {
            length = _parts.Sum(part => (long)part.Length);
            return true;
        }

        public override void WriteTo(Stream stream, CancellationToken cancellation)
        {
            foreach (var part in _parts) stream.Write(part.Span);
        }

        public override async Task WriteToAsync(Stream stream, CancellationToken cancellation)
        {
            foreach (var part in _parts) await stream.WriteAsync(part, cancellation);
        }

        public override void Dispose()
        {
        }

        private static ReadOnlyMemory<byte>[] Parts(StreamBatch batch)
        {
            var parts = new ReadOnlyMemory<byte>[2 * batch.Runs.Count + 1];
            var prefix = new byte[BatchFrame.MaxOverhead];
            parts[0] = prefix.AsMemory(0, BatchFrame.WritePrefix(prefix, batch.Index, batch.IsLast, batch.Checkpoint));
            for (var i = 0; i < batch.Runs.Count; i++)
            {
                if (i > 0) parts[2 * i] = Comma;
                parts[2 * i + 1] = batch.Runs[i].Json;
            }

            parts[^1] = Suffix;
            return parts;
        }

        private static readonly byte[] Comma = [(byte)','];
        private static readonly byte[] Suffix = BatchFrame.Suffix.ToArray();
    }
}
