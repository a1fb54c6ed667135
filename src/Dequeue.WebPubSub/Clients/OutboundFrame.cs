using Dequeue.WebPubSub.Messages;

namespace Dequeue.WebPubSub.Clients;

/// <summary>One frame on its way to one client: a message, with its sequence id for a reliable client, or a service frame.</summary>
/// <param name="Message">The message; null for a service frame.</param>
/// <param name="SequenceId">The id of the message for a reliable client, else 0.</param>
/// <param name="Service">The bytes of a service frame.</param>
internal readonly record struct OutboundFrame(Message? Message, ulong SequenceId, byte[]? Service)
{
    /// <summary>True for a message to a reliable client.</summary>
    public bool IsNumbered => SequenceId != 0;

    /// <summary>Bytes that it keeps waiting.</summary>
    public int Size => Message?.Data.Length ?? Service!.Length;
}
