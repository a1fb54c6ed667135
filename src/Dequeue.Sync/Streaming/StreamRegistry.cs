using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// Which connection has a stream running: one row per connection, so that a request that is delivered twice starts one stream,
/// and a second request while one runs is refused, whichever process it reaches.
/// </summary>
public sealed class StreamRegistry(IPartitionedTable table)
{
    // No log's partition begins with '!': see PartitionKey.
    private const string Partition = "!streams";
    private const string Request = "Request";
    private const string IsRunning = "Running";

    /// <summary>Claims a connection for a stream.</summary>
    /// <param name="connection">The connection's id.</param>
    /// <param name="request">The request's delivery id: the same when the same request is delivered again.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task<StreamClaim> BeginAsync(string connection, string request, CancellationToken cancellationToken)
    {
        var claim = Row(connection, request, running: true);
        if (await CommitAsync(new RowOperation.Insert(claim), cancellationToken) is CommitOutcome.Committed) return StreamClaim.Granted;

        var held = await table.GetAsync(Partition, connection, null, cancellationToken);
        if (held is null || held.TextOf(Request) == request) return StreamClaim.Repeated;
        if (held.IntOf(IsRunning) == 1) return StreamClaim.Busy;
        return await CommitAsync(new RowOperation.Replace(claim, held.ETag), cancellationToken) is CommitOutcome.Committed
            ? StreamClaim.Granted
            : StreamClaim.Busy;
    }

    /// <summary>The stream has ended; the connection may ask for another.</summary>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task EndAsync(string connection, string request, CancellationToken cancellationToken)
        => await CommitAsync(new RowOperation.Replace(Row(connection, request, running: false), null), cancellationToken);

    /// <summary>The connection has gone.</summary>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task ForgetAsync(string connection, CancellationToken cancellationToken)
        => await CommitAsync(new RowOperation.Delete(connection), cancellationToken);

    private Task<CommitOutcome> CommitAsync(RowOperation operation, CancellationToken cancellationToken)
        => table.CommitAsync(Partition, [operation], cancellationToken);

    private static TableRow Row(string connection, string request, bool running)
        => new TableRow(connection).Set(Request, request).Set(IsRunning, running ? 1 : 0);
}

/// <summary>What came of asking for a stream.</summary>
public enum StreamClaim
{
    /// <summary>The stream may start.</summary>
    Granted,

    /// <summary>The same request was delivered before: there is nothing to do.</summary>
    Repeated,

    /// <summary>Another stream runs on the connection.</summary>
    Busy,
}
