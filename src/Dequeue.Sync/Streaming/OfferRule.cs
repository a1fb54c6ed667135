using System.Security.Cryptography;
using Dequeue.Contracts;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>Which pages of a stream may be offered as URLs.</summary>
/// <param name="Through">Pages up to here: later ones are folded again, or belong to the next stream.</param>
/// <param name="MaxEvents">Most events of a page, as the client asked.</param>
/// <param name="KeepsPacked">Whether the other pages stay packed.</param>
public sealed record OfferRule(Checkpoint Through, int MaxEvents, bool KeepsPacked)
{
    // A page with a digest is a whole stored one.
    internal bool Allows(EventPage page) => page.Digest is { Length: SHA256.HashSizeInBytes } && page.Last <= Through && page.Count <= MaxEvents;

    internal EventPage Inline(EventPage page) => KeepsPacked ? page : page.Unpack();
}
