using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// Which connection has a stream running: one row per connection, so that a request that is delivered twice starts one stream, a
/// second request while one runs is refused, and a user has only so many streams at once, whichever process it reaches. A row
/// stays until its connection has gone, and remembers the last request.
/// </summary>
/// <remarks>
/// Row key: SHA-256 of the log's partition in hexadecimal digits, a dot, the connection's id; so the streams of one log stand
/// together and can be counted. The first digit names the partition: sixteen of them, because one takes about 2,000 operations a
/// second, and a stream needs three.
/// </remarks>
public sealed class StreamRegistry(IPartitionedTable table, TimeProvider clock)
{
    /// <summary>The number of partitions.</summary>
    public const int Shards = 16;

    // No log's partition begins with '!': see LogRows.Partition.
    private const string PartitionPrefix = "!streams";
    private const string Request = "Request";
    private const string IsRunning = "Running";
    private const string Changed = "Changed";

    /// <summary>Sorts right after the separator: the end of a log's rows.</summary>
    private const char AfterSeparator = '/';
    private const char Separator = '.';

    /// <summary>Rows of a query that counts or lists. A user's connections beyond them are not counted.</summary>
    private const int PageRows = TableLimits.AnswerRows;

    private static readonly string[] CountedColumns = [IsRunning, Changed];

    /// <summary>Claims a connection for a stream.</summary>
    /// <param name="log">The log that is streamed.</param>
    /// <param name="connection">The connection's id.</param>
    /// <param name="request">The request's delivery id: the same when the same request is delivered again.</param>
    /// <param name="maxStreams">Streams that the log may have at once. Requests that arrive within the same milliseconds may pass it
    /// by a few.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task<StreamClaim> BeginAsync(LogKey log, string connection, string request, int maxStreams, CancellationToken cancellationToken)
    {
        var key = Key(log, connection);
        var row = Row(key, request, running: true);
        var claim = await ClaimAsync(row, request, cancellationToken);

        // Counted after the claim is there for others to count, and only those before it: of many at once, some get through.
        if (claim != StreamClaim.Granted || await CountBeforeAsync(row, cancellationToken) < maxStreams) return claim;
        await CommitAsync(key, new RowOperation.Replace(Row(key, request, running: false), null), cancellationToken);
        return StreamClaim.TooMany;
    }

    /// <summary>Whether a stream runs on a connection.</summary>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task<bool> IsRunningAsync(LogKey log, string connection, CancellationToken cancellationToken)
    {
        var key = Key(log, connection);
        return (await table.GetAsync(Partition(key), key, CountedColumns, cancellationToken))?.IntOf(IsRunning) == 1;
    }

    /// <summary>The stream has ended; the connection may ask for another.</summary>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task EndAsync(LogKey log, string connection, string request, CancellationToken cancellationToken)
    {
        var key = Key(log, connection);
        await CommitAsync(key, new RowOperation.Replace(Row(key, request, running: false), null), cancellationToken);
    }

    /// <summary>The connection has gone.</summary>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task ForgetAsync(LogKey log, string connection, CancellationToken cancellationToken)
    {
        var key = Key(log, connection);
        await CommitAsync(key, new RowOperation.Delete(key), cancellationToken);
    }

    /// <summary>Every row that was there when its page was read, beginning with the rows of one partition and round to it again.</summary>
    /// <param name="firstShard">0 to <see cref="Shards"/> - 1.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async IAsyncEnumerable<RegisteredStream> ListAsync(int firstShard, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < Shards; i++)
        {
            var partition = PartitionPrefix + ((firstShard + i) % Shards).ToString("x", CultureInfo.InvariantCulture);
            var (after, hasMore) = ("", true);
            while (hasMore)
            {
                var answer = await table.QueryAsync(partition, new RowQuery(after, "g", PageRows), cancellationToken);
                foreach (var row in answer.Rows)
                {
                    yield return new RegisteredStream(
                        row.Key, row.Key[(row.Key.IndexOf(Separator, StringComparison.Ordinal) + 1)..], row.TextOf(Request) ?? "", row.IntOf(IsRunning) == 1,
                        new DateTimeOffset(row.LongOf(Changed) ?? 0, TimeSpan.Zero), row.ETag!);
                }

                hasMore = answer.HasMore;
                if (hasMore) after = answer.Rows[^1].Key;
            }
        }
    }

    /// <summary>Removes a row that was listed.</summary>
    /// <returns>False when it has changed meanwhile; then it stays.</returns>
    /// <exception cref="StorageUnavailableException">The storage did not answer.</exception>
    public async Task<bool> RemoveAsync(RegisteredStream stream, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return await CommitAsync(stream.Key, new RowOperation.Delete(stream.Key, stream.ETag), cancellationToken);
    }

    private async Task<StreamClaim> ClaimAsync(TableRow claim, string request, CancellationToken cancellationToken)
    {
        if (await CommitAsync(claim.Key, new RowOperation.Insert(claim), cancellationToken)) return StreamClaim.Granted;
        var held = await table.GetAsync(Partition(claim.Key), claim.Key, null, cancellationToken);
        if (held is null || held.TextOf(Request) == request) return StreamClaim.Repeated;
        if (held.IntOf(IsRunning) == 1) return StreamClaim.Busy;
        return await CommitAsync(claim.Key, new RowOperation.Replace(claim, held.ETag), cancellationToken) ? StreamClaim.Granted : StreamClaim.Busy;
    }

    private async Task<int> CountBeforeAsync(TableRow claim, CancellationToken cancellationToken)
    {
        var log = claim.Key[..claim.Key.IndexOf(Separator, StringComparison.Ordinal)];
        var query = new RowQuery(log + Separator, log + AfterSeparator, PageRows) { Columns = CountedColumns };
        var answer = await table.QueryAsync(Partition(claim.Key), query, cancellationToken);
        return answer.Rows.Count(row => row.IntOf(IsRunning) == 1 && IsBefore(row, claim));
    }

    private static bool IsBefore(TableRow row, TableRow claim)
        => (row.LongOf(Changed) ?? 0, string.CompareOrdinal(row.Key, claim.Key)).CompareTo((claim.LongOf(Changed) ?? 0, 0)) < 0;

    private async Task<bool> CommitAsync(string key, RowOperation operation, CancellationToken cancellationToken)
        => await table.CommitAsync(Partition(key), [operation], cancellationToken) is CommitOutcome.Committed;

    private TableRow Row(string key, string request, bool running)
        => new TableRow(key).Set(Request, request).Set(IsRunning, running ? 1 : 0).Set(Changed, clock.GetUtcNow().UtcTicks);

    private static string Partition(string key) => PartitionPrefix + key[0];

    private static string Key(LogKey log, string connection)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(LogRows.Partition(log)))) + Separator + connection;
}

/// <summary>A row of the registry.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Connection">The connection's id.</param>
/// <param name="Request">The delivery id of the connection's last request.</param>
/// <param name="IsRunning">Whether its stream had not ended.</param>
/// <param name="ChangedAt">When the stream began or ended.</param>
/// <param name="ETag">The row's version.</param>
public sealed record RegisteredStream(string Key, string Connection, string Request, bool IsRunning, DateTimeOffset ChangedAt, string ETag);

/// <summary>What came of asking for a stream.</summary>
public enum StreamClaim
{
    /// <summary>The stream may start.</summary>
    Granted,

    /// <summary>The same request was delivered before: there is nothing to do.</summary>
    Repeated,

    /// <summary>Another stream runs on the connection.</summary>
    Busy,

    /// <summary>The user has as many streams as are allowed.</summary>
    TooMany,
}
