using System.Runtime.CompilerServices;
using Azure;
using Azure.Core;
using Azure.Data.Tables;
using Dequeue.Sync.Backup;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.AzureTables;

/// <summary>The partitioned table in Azure Table Storage, or in Azurite. The table is created on first use.</summary>
internal sealed class AzureTable : IPartitionedTable, ILogList
{
    /// <summary>Tries of a read after the first: with the delays below about 3 s of patience with a server that throttles.</summary>
    private const int ReadRetries = 3;

    /// <summary>How long one try may take. Azure itself ends a query after 5 s and a transaction after 30 s.</summary>
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10), CommitTimeout = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200), LongestDelay = TimeSpan.FromSeconds(2);

    /// <summary>Sorts behind every partition that begins with '!', and before those of all logs.</summary>
    private const string FirstLog = "\"";

    private readonly TableClient _reads, _commits;
    private volatile bool _isCreated;

    private AzureTable(Func<TableClientOptions, TableClient> connect)
    {
        _reads = connect(Options(ReadRetries, ReadTimeout));

        // A commit that is sent again after a time-out would meet itself; the log finds out what became of it instead.
        _commits = connect(Options(0, CommitTimeout));
    }

    /// <summary>A table reached by a connection string.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static AzureTable FromConnectionString(string connectionString, string table)
        => new(options => new TableClient(connectionString, table, options));

    /// <summary>A table reached by its account's table endpoint and a token.</summary>
    public static AzureTable FromEndpoint(Uri endpoint, string table, TokenCredential credential)
        => new(options => new TableClient(endpoint, table, credential, options));

    /// <inheritdoc/>
    public async Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken)
    {
        try
        {
            await CreateAsync(cancellationToken);
            var answer = await _reads.GetEntityIfExistsAsync<TableEntity>(partition, row, Select(columns), cancellationToken);
            return answer.HasValue ? Entities.Read(answer.Value!) : null;
        }
        catch (Exception e) when (AzureErrors.Decode(e, cancellationToken) is { } decoded)
        {
            throw decoded;
        }
    }

    /// <inheritdoc/>
    public async Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, TableLimits.AnswerRows, nameof(query));
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {partition} and RowKey gt {query.After} and RowKey lt {query.Before}");
        try
        {
            await CreateAsync(cancellationToken);

            // An answer may be empty although more rows match, when the server ran out of time while it looked.
            await foreach (var page in _reads.QueryAsync<TableEntity>(filter, query.Limit, Select(query.Columns), cancellationToken).AsPages())
            {
                if (page.Values.Count > 0) return new RowAnswer([.. page.Values.Select(Entities.Read)], page.ContinuationToken is not null);
            }

            return new RowAnswer([], false);
        }
        catch (Exception e) when (AzureErrors.Decode(e, cancellationToken) is { } decoded)
        {
            throw decoded;
        }
    }

    /// <inheritdoc/>
    public async Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
    {
        TransactionLimits.Check(partition, operations);
        try
        {
            await CreateAsync(cancellationToken);
            var actions = operations.Select(operation => Entities.Action(partition, operation));
            var answers = await _commits.SubmitTransactionAsync(actions, cancellationToken);
            return new CommitOutcome.Committed(
                [.. answers.Value.Zip(operations, (answer, operation) => operation is RowOperation.Delete ? null : answer.Headers.ETag?.ToString())]);
        }
        catch (RequestFailedException e) when (AzureErrors.Refusal(e) is { } outcome)
        {
            return outcome;
        }
        catch (Exception e) when (AzureErrors.Decode(e, cancellationToken) is { } decoded)
        {
            throw decoded;
        }
    }

    /// <inheritdoc/>
    public async Task CheckAsync(CancellationToken cancellationToken)
        => await GetAsync("health", "health", null, cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> LogsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // From one partition to the next: what lies between is not read.
        for (var after = FirstLog; await NextPartitionAsync(after, cancellationToken) is { } next;) yield return after = next;
    }

    private async Task<string?> NextPartitionAsync(string after, CancellationToken cancellationToken)
    {
        try
        {
            await CreateAsync(cancellationToken);
            var filter = TableClient.CreateQueryFilter($"PartitionKey gt {after}");
            await foreach (var row in _reads.QueryAsync<TableEntity>(filter, 1, ["PartitionKey"], cancellationToken)) return row.PartitionKey;
            return null;
        }
        catch (Exception e) when (AzureErrors.Decode(e, cancellationToken) is { } decoded)
        {
            throw decoded;
        }
    }

    private static TableClientOptions Options(int retries, TimeSpan timeout) => new()
    {
        Retry = { Mode = RetryMode.Exponential, MaxRetries = retries, Delay = FirstDelay, MaxDelay = LongestDelay, NetworkTimeout = timeout },
    };

    private static IEnumerable<string>? Select(IReadOnlyList<string>? columns) => columns is null ? null : ["RowKey", .. columns];

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        if (_isCreated) return;
        await _reads.CreateIfNotExistsAsync(cancellationToken);
        _isCreated = true;
    }
}
