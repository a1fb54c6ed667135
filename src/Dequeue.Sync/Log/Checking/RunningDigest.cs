using Dequeue.Contracts.Events;

namespace Dequeue.Sync.Log.Checking;

/// <summary>The <see cref="EventDigest"/> of a log, which each append carries on with its own events alone.</summary>
internal sealed class RunningDigest
{
    private RunningDigest(Sha256State hash, long events, long bytes)
    {
        State = hash.Save();
        (Events, Bytes, Hex) = (events, bytes, Convert.ToHexStringLower(hash.Digest()));
    }

    /// <summary>That of no event.</summary>
    public static RunningDigest Empty { get; } = new(new Sha256State(), 0, 0);

    /// <summary>What is stored of the hash: see <see cref="Sha256State.Save"/>.</summary>
    public ReadOnlyMemory<byte> State { get; }

    /// <summary>How many events it is over.</summary>
    public long Events { get; }

    /// <summary>Their bytes, without the line feeds.</summary>
    public long Bytes { get; }

    /// <summary>The digest, 64 lower-case hex digits.</summary>
    public string Hex { get; }

    /// <summary>Takes up a stored digest.</summary>
    /// <exception cref="LogCorruptException">The state is not one after so many events and bytes.</exception>
    public static RunningDigest Read(ReadOnlyMemory<byte> state, long events, long? bytes)
        => bytes is >= 0 and var known && Sha256State.Load(state.Span, known + events) is { } hash
            ? new RunningDigest(hash, events, known)
            : throw new LogCorruptException("The head row's digest does not fit its number of bytes.");

    /// <summary>The digest with more events.</summary>
    public RunningDigest Append(IReadOnlyCollection<NewEvent> added)
    {
        var hash = Sha256State.Load(State.Span, Bytes + Events)!;
        foreach (var e in added)
        {
            hash.Append(e.Json.Span);
            hash.Append("\n"u8);
        }

        return new RunningDigest(hash, Events + added.Count, Bytes + added.Sum(e => (long)e.Json.Length));
    }
}
