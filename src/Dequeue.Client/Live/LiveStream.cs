using Dequeue.Client.Streaming;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Live;

/// <summary>
/// The one connection of a watch: a pull streams over it and leaves it open, the tail is read from it, and the next pull asks over it
/// again. Used by one of them at a time.
/// </summary>
internal sealed class LiveStream : IAsyncDisposable
{
    /// <summary>Live batches that are kept while a pull runs. What comes beyond them is missing then, which its position tells.</summary>
    private const int MaxEarly = 1000;

    private readonly List<StreamMessage.Live> _early = [];

    /// <summary>The connection, between two pulls; null when there is none.</summary>
    public StreamConnection? Connection { get; private set; }

    /// <summary>What comes live, in the log's order, from where the last pull ended.</summary>
    public LiveOrder Order { get; private set; } = new(0, Checkpoint.Beginning, null);

    /// <summary>Gives the connection to a pull, which asks over it again; null when it has to open one.</summary>
    public StreamConnection? Lend()
    {
        var connection = Connection;
        Connection = null;
        if (connection is null) _early.Clear();
        else _early.AddRange(Order.Ahead);
        connection?.Await(isSilent: false);
        return connection;
    }

    /// <summary>Keeps what came live before the pull was complete.</summary>
    /// <returns>False when it is too much.</returns>
    public bool Keep(StreamMessage.Live early)
    {
        if (_early.Count == MaxEarly) return false;
        _early.Add(early);
        return true;
    }

    /// <summary>Takes the connection back from a pull that is complete.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="position">Events of the log up to the checkpoint.</param>
    /// <param name="checkpoint">The position after them, which is saved.</param>
    /// <param name="epoch">The log's epoch; null when it is not known.</param>
    public void TakeBack(StreamConnection connection, long position, Checkpoint checkpoint, string? epoch)
    {
        connection.Await(isSilent: true);
        (Connection, Order) = (connection, new LiveOrder(position, checkpoint, epoch));
        foreach (var early in _early) Order.Add(early);
        _early.Clear();
    }

    /// <summary>Closes the connection.</summary>
    public async ValueTask CloseAsync()
    {
        if (Connection is not { } connection) return;
        Connection = null;
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => CloseAsync();
}
