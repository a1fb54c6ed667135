using System.Text;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;

namespace Dequeue.Contracts.Tests.Streaming.Deltas;

/// <summary>Batches as they go over the wire: written by an encoder, and read as a client reads them.</summary>
internal static class Wire
{
    public static byte[] Message(DeltaEncoder encoder, int index, IEnumerable<string> events)
    {
        var written = encoder.Encode([.. events.Select(json => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(json))]);
        var head = new BatchHead(index, false, Checkpoint.Beginning) { Deltas = written.Deltas, ForgetsStates = written.ForgetsStates };
        return [.. BatchFrame.Prefix(head), .. written.Events.Span, .. BatchFrame.Suffix];
    }

    public static StreamMessage.Batch Read(byte[] message)
        => Assert.IsType<StreamMessage.Batch>(new StreamMessageReader().Read(message, out var problem) ?? throw new InvalidDataException(problem));

    public static StreamMessage.Batch Send(DeltaEncoder encoder, int index, params IEnumerable<string> events) => Read(Message(encoder, index, events));

    public static string[] Texts(StreamMessage.Batch? batch) => [.. batch!.Events.Select(e => Encoding.UTF8.GetString(e.Json.Span))];
}
