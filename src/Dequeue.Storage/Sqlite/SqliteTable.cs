using System.Collections.Concurrent;
using System.Data;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Dequeue.Sync.Backup;
using Dequeue.Sync.Storage;
using Microsoft.Data.Sqlite;

namespace Dequeue.Storage.Sqlite;

/// <summary>
/// The partitioned table in one SQLite file, in WAL mode: readers never wait for writers. One connection writes, one
/// transaction at a time; several processes may share the file. A commit that returned survives the end of the process and, as
/// the log is flushed at each commit (<c>synchronous=FULL</c>), a power cut, if the disk keeps its promises.
/// </summary>
internal sealed class SqliteTable : IPartitionedTable, ILogList, IDisposable
{
    /// <summary>How long a writer waits for one in another process. A transaction takes milliseconds.</summary>
    private const int BusyMilliseconds = 10_000;

    /// <summary>No log's partition begins with '!'.</summary>
    private const string HealthPartition = "!health";

    /// <summary>Sorts behind every partition that begins with '!', and before those of all logs.</summary>
    private const string FirstLog = "\"";

    /// <summary>Some pages of the file.</summary>
    private const int HealthBytes = 16 * 1024;

    /// <summary>Makes an empty file a table; the version is that of this schema.</summary>
    private const string Schema = """
        CREATE TABLE IF NOT EXISTS rows (
          partition TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, properties BLOB NOT NULL,
          PRIMARY KEY (partition, key)) WITHOUT ROWID;
        """;

    private readonly string _connectionString;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Lazy<Writer> _writer;
    private readonly ConcurrentBag<Reader> _readers = [];
    private volatile bool _isDisposed;

    /// <summary>A table in the file at <paramref name="path"/>, made on first use together with its folder.</summary>
    public SqliteTable(string path)
    {
        var file = Path.GetFullPath(path);

        // SQLite itself waits when the file is busy; the library's own waiting sleeps 150 ms at a time.
        _connectionString = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 1 }.ToString();
        _writer = new Lazy<Writer>(
            () =>
            {
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                return new Writer(Open());
            },
            LazyThreadSafetyMode.PublicationOnly);
    }

    /// <inheritdoc/>
    public Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken)
        => ReadAsync(reader => reader.Get(partition, row, columns), cancellationToken);

    /// <inheritdoc/>
    public Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, TableLimits.AnswerRows, nameof(query));
        return ReadAsync(reader => reader.Query(partition, query), cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
    {
        TransactionLimits.Check(partition, operations);
        await _writing.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _writer.Value.Commit(partition, operations);
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.Decode(e);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        // A disk that is full can still be read. The row is as large as what a push writes at least: room for less is none.
        var row = new TableRow("health").Set("Padding", RandomNumberGenerator.GetBytes(HealthBytes));
        await CommitAsync(HealthPartition, [new RowOperation.Put(row)], cancellationToken);
        await ReadAsync(reader => reader.Get(HealthPartition, "health", []), cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> LogsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var after = FirstLog; ;)
        {
            var last = after;
            if (await ReadAsync(reader => reader.NextPartition(last), cancellationToken) is not { } next) yield break;
            yield return after = next;
        }
    }

    /// <summary>Writes all logs, as they are at one moment, into a new file; who reads and writes goes on meanwhile.</summary>
    /// <param name="file">A path where there is nothing.</param>
    /// <returns>How many logs and rows there are.</returns>
    public async Task<(long Logs, long Rows)> BackUpAsync(string file)
    {
        await CreateAsync(CancellationToken.None);
        try
        {
            using (var source = Open()) Execute(source, "VACUUM INTO $file", file);

            // The copy is one file, without what belongs to this server's connections.
            using var copy = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
            copy.Open();
            Execute(copy, "PRAGMA journal_mode = DELETE");
            Execute(copy, "DELETE FROM rows WHERE partition <= $first", FirstLog);
            return (Count(copy, "SELECT count(*) FROM rows WHERE key = 'head'"), Count(copy, "SELECT count(*) FROM rows"));
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.Decode(e);
        }
    }

    /// <summary>Puts the logs of a backup in the place of those here, in one transaction: after a crash it is all or nothing.</summary>
    /// <param name="file">The backup.</param>
    public async Task<(long Logs, long Rows)> RestoreAsync(string file)
    {
        await CreateAsync(CancellationToken.None);
        await _writing.WaitAsync();
        try
        {
            using var connection = Open();
            Execute(connection, "ATTACH $file AS backup", file);
            using var transaction = connection.BeginTransaction(IsolationLevel.Serializable, deferred: false);
            Execute(connection, "DELETE FROM main.rows WHERE partition > $first", FirstLog);
            Execute(connection, "INSERT INTO main.rows SELECT partition, key, version, properties FROM backup.rows WHERE partition > $first", FirstLog);
            var counts = (Count(connection, "SELECT count(*) FROM backup.rows WHERE key = 'head'"), Count(connection, "SELECT count(*) FROM backup.rows"));
            transaction.Commit();
            return counts;
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.Decode(e);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        while (_readers.TryTake(out var reader)) reader.Dispose();

        // The log may still be writing index rows, after its answer: the commit in flight ends first, others are refused.
        _writing.Wait();
        if (_writer.IsValueCreated) _writer.Value.Dispose();
        _writing.Release();
    }

    private async Task<T> ReadAsync<T>(Func<Reader, T> read, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        Reader? reader = null;
        try
        {
            if (!_writer.IsValueCreated) await CreateAsync(cancellationToken);
            if (!_readers.TryTake(out reader)) reader = new Reader(Open());
            var result = read(reader);
            if (!_isDisposed)
            {
                _readers.Add(reader);
                reader = null;
            }

            return result;
        }
        catch (SqliteException e)
        {
            throw SqliteErrors.Decode(e);
        }
        catch (InvalidDataException e)
        {
            throw new StorageUnavailableException(SqliteErrors.DamagedFile, e);
        }
        finally
        {
            reader?.Dispose();
        }
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            _ = _writer.Value;
        }
        finally
        {
            _writing.Release();
        }
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = string.Create(
                CultureInfo.InvariantCulture, $"PRAGMA busy_timeout={BusyMilliseconds}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {Schema}");
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static string ETag(long version) => version.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>A connection that reads, with its prepared statements. Used by one caller at a time.</summary>
    private sealed class Reader : IDisposable
    {
        private readonly SqliteConnection _connection;
        private readonly SqliteCommand _get, _query, _next;

        public Reader(SqliteConnection connection)
        {
            _connection = connection;
            _get = Statement(
                connection, "SELECT key, version, properties FROM rows WHERE partition = $partition AND key = $key", "$partition", "$key");
            _next = Statement(connection, "SELECT partition FROM rows WHERE partition > $after ORDER BY partition LIMIT 1", "$after");
            _query = Statement(
                connection,
                "SELECT key, version, properties FROM rows WHERE partition = $partition AND key > $after AND key < $before ORDER BY key",
                "$partition",
                "$after",
                "$before");
        }

        public string? NextPartition(string after)
        {
            _next.Parameters[0].Value = after;
            return _next.ExecuteScalar() as string;
        }

        public TableRow? Get(string partition, string key, IReadOnlyList<string>? columns)
        {
            _get.Parameters[0].Value = partition;
            _get.Parameters[1].Value = key;
            using var rows = _get.ExecuteReader();
            return rows.Read() ? Row(rows, columns) : null;
        }

        public RowAnswer Query(string partition, RowQuery query)
        {
            _query.Parameters[0].Value = partition;
            _query.Parameters[1].Value = query.After;
            _query.Parameters[2].Value = query.Before;
            var answer = new List<TableRow>();
            long bytes = 0;
            using var rows = _query.ExecuteReader();
            while (rows.Read())
            {
                if (answer.Count == query.Limit || bytes >= TableLimits.AnswerBytes) return new RowAnswer(answer, true);
                var row = Row(rows, query.Columns);
                answer.Add(row);
                bytes += TableLimits.SizeOf(row);
            }

            return new RowAnswer(answer, false);
        }

        public void Dispose()
        {
            _get.Dispose();
            _query.Dispose();
            _next.Dispose();
            _connection.Dispose();
        }

        private static TableRow Row(SqliteDataReader rows, IReadOnlyList<string>? columns)
        {
            var row = new TableRow(rows.GetString(0), ETag(rows.GetInt64(1)));
            RowCodec.Decode(rows.GetFieldValue<byte[]>(2), row, columns);
            return row;
        }
    }

    /// <summary>The connection that writes.</summary>
    private sealed class Writer : IDisposable
    {
        private readonly SqliteConnection _connection;
        private readonly SqliteCommand _insert, _replace, _put, _delete;

        public Writer(SqliteConnection connection)
        {
            _connection = connection;
            _insert = Statement(
                connection,
                "INSERT INTO rows VALUES ($partition, $key, $version, $properties) ON CONFLICT DO NOTHING",
                "$partition",
                "$key",
                "$version",
                "$properties");
            _replace = Statement(
                connection,
                "UPDATE rows SET version = $version, properties = $properties "
                    + "WHERE partition = $partition AND key = $key AND version = ifnull($old, version)",
                "$partition",
                "$key",
                "$version",
                "$properties",
                "$old");
            _put = Statement(
                connection,
                "INSERT OR REPLACE INTO rows VALUES ($partition, $key, $version, $properties)",
                "$partition",
                "$key",
                "$version",
                "$properties");
            _delete = Statement(
                connection,
                "DELETE FROM rows WHERE partition = $partition AND key = $key AND version = ifnull($old, version)",
                "$partition",
                "$key",
                "$old");
        }

        public CommitOutcome Commit(string partition, IReadOnlyList<RowOperation> operations)
        {
            // Random, so that a row deleted and inserted again never has an old version.
            var version = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
            using var transaction = _connection.BeginTransaction(IsolationLevel.Serializable, deferred: false);
            for (var i = 0; i < operations.Count; i++)
            {
                if (!Execute(transaction, partition, operations[i], version))
                {
                    return operations[i] is RowOperation.Insert ? new CommitOutcome.AlreadyExists(i) : new CommitOutcome.ConditionNotMet();
                }
            }

            transaction.Commit();
            return new CommitOutcome.Committed([.. operations.Select(operation => operation is RowOperation.Delete ? null : ETag(version))]);
        }

        public void Dispose()
        {
            _insert.Dispose();
            _replace.Dispose();
            _put.Dispose();
            _delete.Dispose();
            _connection.Dispose();
        }

        private bool Execute(SqliteTransaction transaction, string partition, RowOperation operation, long version)
        {
            var (command, values) = operation switch
            {
                RowOperation.Insert insert => (_insert, new object[] { partition, insert.Row.Key, version, RowCodec.Encode(insert.Row) }),
                RowOperation.Replace replace
                    => (_replace, [partition, replace.Row.Key, version, RowCodec.Encode(replace.Row), Version(replace.ETag)]),
                RowOperation.Put put => (_put, [partition, put.Row.Key, version, RowCodec.Encode(put.Row)]),
                RowOperation.Delete delete => (_delete, [partition, delete.Key, Version(delete.ETag)]),
                _ => throw new ArgumentException($"An operation cannot be a {operation.GetType().Name}.", nameof(operation)),
            };
            for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
            command.Transaction = transaction;
            return command.ExecuteNonQuery() == 1;
        }

        private static object Version(string? eTag)
            => eTag is null ? DBNull.Value : long.Parse(eTag, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private static void Execute(SqliteConnection connection, string sql, string? parameter = null)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is a constant of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        if (parameter is not null) command.Parameters.AddWithValue(sql.Contains("$file", StringComparison.Ordinal) ? "$file" : "$first", parameter);
        command.ExecuteNonQuery();
    }

    private static long Count(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is a constant of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        return (long)command.ExecuteScalar()!;
    }

    private static SqliteCommand Statement(SqliteConnection connection, string sql, params ReadOnlySpan<string> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters) command.Parameters.Add(new SqliteParameter(name, null));
        return command;
    }
}
