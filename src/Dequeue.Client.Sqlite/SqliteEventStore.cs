using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Microsoft.Data.Sqlite;

namespace Dequeue.Client.Sqlite;

/// <summary>
/// Events, checkpoint and push queue in one SQLite file (WAL, synchronous FULL): what a method has returned from survives a kill
/// and a power cut. One process at a time should sync into a file; others may read it. SQLite's calls block: they run on a thread of the
/// pool, never on the caller's.
/// </summary>
public sealed class SqliteEventStore : IEventStore, ILogStore, IPushQueue, IConsumerStore, IAsyncDisposable
{
    /// <summary>Format of the file, kept in <c>user_version</c>.</summary>
    internal const int Format = 3;

    // Format 1 had no refused events and no cursors.
    private const string SinceFormat2 =
        """
        CREATE TABLE refused (n INTEGER PRIMARY KEY, id TEXT NOT NULL, reason TEXT NOT NULL, json BLOB NOT NULL);
        CREATE TABLE cursors (consumer TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
        """;

    // Format 2 did not know its log, nor what was sent.
    private const string SinceFormat3 =
        """
        ALTER TABLE position ADD COLUMN epoch TEXT;
        ALTER TABLE position ADD COLUMN logged INTEGER;
        CREATE TABLE sent (n INTEGER PRIMARY KEY, id TEXT NOT NULL, json BLOB NOT NULL);
        """;

    private const string Schema =
        """
        CREATE TABLE events (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json BLOB NOT NULL);
        CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), checkpoint INTEGER NOT NULL, events INTEGER NOT NULL);
        CREATE TABLE queue (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, json BLOB NOT NULL);
        """;

    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SqliteCommand _insert;

    // Of this opening: one process at a time syncs into a file.
    private long _edition;

    private SqliteEventStore(SqliteConnection connection)
    {
        _connection = connection;
        _insert = connection.CreateCommand();
        _insert.CommandText = "INSERT INTO events (n, id, json) VALUES ($n, $id, $json) ON CONFLICT (id) DO NOTHING";
        _insert.Parameters.Add("$n", SqliteType.Integer);
        _insert.Parameters.Add("$id", SqliteType.Text);
        _insert.Parameters.Add("$json", SqliteType.Blob);
    }

    /// <summary>Opens the store, creating the file and its folder when they are not there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidDataException">The file was written by a later version.</exception>
    /// <exception cref="SqliteException">The file cannot be opened, or is no SQLite database.</exception>
    public static async Task<SqliteEventStore> OpenAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        // Unpooled, so that the file is closed when the store is.
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            // Pages of 8 KiB hold a dozen events, and a first sync is moved out of the log every 32 MiB instead of every 4.
            Execute(connection, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000");
            CreateTables(connection, path);
            return new SqliteEventStore(connection);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<StorePosition> LoadAsync(CancellationToken cancellationToken) => InTurnAsync(Position, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(
        IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, CancellationToken cancellationToken)
        => SaveAsync(events, checkpoint, (LogMark?)null, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(
        IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, LogMark mark, CancellationToken cancellationToken)
        => SaveAsync(events, checkpoint, (LogMark?)mark, cancellationToken);

    private ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(
        IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, LogMark? mark, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        return InTurnAsync(
            () =>
            {
                using var transaction = _connection.BeginTransaction();
                var position = Position();
                List<SyncEvent>? added = null;
                var count = position.Events;
                _insert.Transaction = transaction;
                for (var i = 0; i < events.Count; i++)
                {
                    if (Insert(count + 1, events[i]))
                    {
                        count++;
                        added?.Add(events[i]);
                    }
                    else
                    {
                        added ??= [.. events.Take(i)];
                    }
                }

                MoveTo(new StorePosition(checkpoint ?? position.Checkpoint, count), checkpoint is null || checkpoint == position.Checkpoint);
                if (checkpoint is not null && mark is { } known)
                {
                    Execute(
                        _connection, "UPDATE position SET epoch = $epoch, logged = $logged",
                        ("$epoch", (object?)known.Epoch ?? DBNull.Value), ("$logged", (object?)known.Position ?? DBNull.Value));
                }

                transaction.Commit();
                return added ?? events;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<LogMark> LoadMarkAsync(CancellationToken cancellationToken)
        => InTurnAsync(
            () =>
            {
                using var command = Command(_connection, "SELECT epoch, logged FROM position");
                using var row = command.ExecuteReader();
                row.Read();
                return new LogMark(row.IsDBNull(0) ? null : row.GetString(0), row.IsDBNull(1) ? null : row.GetInt64(1));
            },
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask AdoptAsync(string epoch, CancellationToken cancellationToken)
        => await InTurnAsync(
            () => Execute(_connection, "UPDATE position SET epoch = $epoch WHERE epoch IS NULL", ("$epoch", epoch)), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>> ReadEventsAsync(long first, int count, CancellationToken cancellationToken)
        => InTurnAsync<IReadOnlyList<SyncEvent>>(
            () =>
            {
                var reader = new SyncEventReader();
                return Read("SELECT n, id, json FROM events WHERE n > $first ORDER BY n LIMIT $count", ("$first", first), ("$count", count))
                    .ConvertAll(row => reader.Read(row.Json));
            },
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> BeginAnewAsync(string reason, CancellationToken cancellationToken)
        => InTurnAsync(
            () =>
            {
                using var transaction = _connection.BeginTransaction();
                Execute(_connection, "INSERT OR REPLACE INTO refused SELECT n, id, $reason, json FROM queue", ("$reason", reason));
                long unsent = Execute(_connection, "DELETE FROM queue");
                Execute(_connection, "DELETE FROM sent");
                Execute(_connection, "DELETE FROM events");
                MoveTo(new StorePosition(Checkpoint.Beginning, 0));
                Execute(_connection, "UPDATE position SET epoch = NULL");
                ReturnCursors(0);
                transaction.Commit();
                _edition++;
                return unsent;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask RewindAsync(StorePosition position, CancellationToken cancellationToken)
        => await InTurnAsync(
            () =>
            {
                using var transaction = _connection.BeginTransaction();
                Execute(_connection, "DELETE FROM events WHERE n > $n", ("$n", position.Events));
                MoveTo(position);
                ReturnCursors(position.Events);
                transaction.Commit();
                _edition++;
                return true;
            },
            cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>?> ReplaceAsync(IReadOnlyList<Replacement> parts, Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return InTurnAsync<IReadOnlyList<SyncEvent>?>(
            () =>
            {
                using var transaction = _connection.BeginTransaction();
                var position = Position();
                foreach (var part in parts)
                    Execute(_connection, "DELETE FROM events WHERE n > $first AND n <= $last", ("$first", part.First), ("$last", part.First + part.Count));

                var put = new List<SyncEvent>();
                var moved = 0L;
                _insert.Transaction = transaction;
                for (var i = 0; i < parts.Count; i++)
                {
                    // The new ones stand below zero until those behind them have made room, and so do these meanwhile.
                    var place = parts[i].First + moved;
                    foreach (var next in parts[i].Events)
                    {
                        if (!Insert(-(place + 1), next)) continue;
                        place++;
                        put.Add(next);
                    }

                    var from = parts[i].First + parts[i].Count;
                    moved = place - from;
                    if (moved == 0) continue;
                    var to = i + 1 < parts.Count ? parts[i + 1].First : position.Events;
                    Execute(_connection, "UPDATE events SET n = -(n + $moved) WHERE n > $from AND n <= $to", ("$moved", moved), ("$from", from), ("$to", to));
                }

                Execute(_connection, "UPDATE events SET n = -n WHERE n < 0");
                MoveTo(new StorePosition(checkpoint, position.Events + moved));
                if (parts.Count > 0) ReturnCursors(parts[0].First);
                transaction.Commit();
                _edition++;
                return put;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<string?> DigestAsync(long first, long count, CancellationToken cancellationToken)
        => InTurnAsync<string?>(
            () => EventDigest.Of(Read("SELECT n, id, json FROM events WHERE n > $first ORDER BY n LIMIT $count", ("$first", first), ("$count", count)).Select(next => next.Json)),
            cancellationToken);

    /// <summary>Reads the events' bytes in the order saved, a thousand at a time, so that saving may go on meanwhile.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (long after = 0; ;)
        {
            var from = after;
            var page = await InTurnAsync(() => Read("SELECT n, id, json FROM events WHERE n > $after ORDER BY n LIMIT 1000", ("$after", from)), cancellationToken).ConfigureAwait(false);
            if (page.Count == 0) yield break;
            foreach (var next in page) yield return next.Json;
            after = page[^1].Number;
        }
    }

    /// <inheritdoc/>
    public async ValueTask EnqueueAsync(IReadOnlyList<SyncEvent> events, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        await InTurnAsync(
            () =>
            {
                using var transaction = _connection.BeginTransaction();
                foreach (var next in events)
                    Execute(_connection, "INSERT INTO queue (id, json) VALUES ($id, $json)", ("$id", next.Id!), ("$json", Bytes(next.Json)));
                transaction.Commit();
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<QueuedEvent>> PeekAsync(int count, CancellationToken cancellationToken)
        => InTurnAsync<IReadOnlyList<QueuedEvent>>(() => Read("SELECT n, id, json FROM queue ORDER BY n LIMIT $count", ("$count", count)), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask RemoveThroughAsync(long number, CancellationToken cancellationToken)
        => await InTurnAsync(() => Execute(_connection, "DELETE FROM queue WHERE n <= $n", ("$n", number)), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<long> CountAsync(CancellationToken cancellationToken)
        => InTurnAsync(() => Scalar(_connection, "SELECT count(*) FROM queue"), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask RemoveThroughAsync(long number, IReadOnlyList<RefusedEvent> refused, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(refused);
        await InTurnAsync(
            () =>
            {
                using var transaction = _connection.BeginTransaction();
                foreach (var next in refused)
                {
                    Execute(
                        _connection, "INSERT OR REPLACE INTO refused VALUES ($n, $id, $reason, $json)",
                        ("$n", next.Number), ("$id", next.Id), ("$reason", next.Reason), ("$json", Bytes(next.Json)));
                }

                Execute(
                    _connection, "INSERT OR REPLACE INTO sent SELECT n, id, json FROM queue WHERE n <= $n AND n NOT IN (SELECT n FROM refused)", ("$n", number));
                Execute(_connection, "DELETE FROM queue WHERE n <= $n", ("$n", number));
                transaction.Commit();
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<QueuedEvent>> SentAsync(CancellationToken cancellationToken)
        => InTurnAsync<IReadOnlyList<QueuedEvent>>(() => Read("SELECT n, id, json FROM sent ORDER BY n"), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> SettleAsync(long number, bool requeue, CancellationToken cancellationToken)
        => InTurnAsync(
            () =>
            {
                using var transaction = _connection.BeginTransaction();
                long lost = !requeue ? 0 : Execute(
                    _connection,
                    "INSERT INTO queue (n, id, json) SELECT n, id, json FROM sent WHERE n <= $n AND id NOT IN (SELECT id FROM events)",
                    ("$n", number));
                Execute(_connection, "DELETE FROM sent WHERE n <= $n", ("$n", number));
                transaction.Commit();
                return lost;
            },
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RefusedEvent>> RefusedAsync(CancellationToken cancellationToken)
        => InTurnAsync<IReadOnlyList<RefusedEvent>>(
            () =>
            {
                using var command = Command(_connection, "SELECT n, id, reason, json FROM refused ORDER BY n");
                using var row = command.ExecuteReader();
                var read = new List<RefusedEvent>();
                while (row.Read()) read.Add(new RefusedEvent(row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetFieldValue<byte[]>(3)));
                return read;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask ForgetRefusedAsync(long number, CancellationToken cancellationToken)
        => await InTurnAsync(() => Execute(_connection, "DELETE FROM refused WHERE n <= $n", ("$n", number)), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<ConsumerPage> ReadAsync(string consumer, int count, CancellationToken cancellationToken)
        => InTurnAsync(
            () =>
            {
                using var command = Command(_connection, "SELECT place FROM cursors WHERE consumer = $consumer", ("$consumer", consumer));
                var place = command.ExecuteScalar() is long at ? at : 0;
                var rows = Read("SELECT n, id, json FROM events WHERE n > $place ORDER BY n LIMIT $count", ("$place", place), ("$count", count));
                var reader = new SyncEventReader();
                return new ConsumerPage(place, _edition, rows.ConvertAll(row => reader.Read(row.Json)));
            },
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> MoveAsync(string consumer, long edition, long place, CancellationToken cancellationToken)
        => InTurnAsync(
            () =>
            {
                if (edition != _edition) return false;
                Execute(_connection, "INSERT OR REPLACE INTO cursors VALUES ($consumer, $place)", ("$consumer", consumer), ("$place", place));
                return true;
            },
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Closing the last connection moves what is in the log into the file: work, too.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _turn.WaitAsync().ConfigureAwait(false);
        await _insert.DisposeAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    // SQLite's calls block, and a connection serves one at a time. Who calls may be a UI thread: the work goes elsewhere.
    private async ValueTask<T> InTurnAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return work();
        }
        finally
        {
            _turn.Release();
        }
    }

    private StorePosition Position()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT checkpoint, events FROM position";
        using var row = command.ExecuteReader();
        row.Read();
        return new StorePosition(Checkpoint.FromTicks(row.GetInt64(0)), row.GetInt64(1));
    }

    // Whoever knows how much of the log lies before another checkpoint says so afterwards.
    private void MoveTo(StorePosition position, bool isSameCheckpoint = false)
        => Execute(
            _connection,
            isSameCheckpoint
                ? "UPDATE position SET checkpoint = $checkpoint, events = $events"
                : "UPDATE position SET checkpoint = $checkpoint, events = $events, logged = NULL",
            ("$checkpoint", position.Checkpoint.Ticks), ("$events", position.Events));

    // What comes from there on is not what the consumers have seen.
    private void ReturnCursors(long place) => Execute(_connection, "UPDATE cursors SET place = $place WHERE place > $place", ("$place", place));

    private bool Insert(long number, SyncEvent next)
    {
        _insert.Parameters[0].Value = number;
        _insert.Parameters[1].Value = next.Id;
        _insert.Parameters[2].Value = Bytes(next.Json);
        return _insert.ExecuteNonQuery() == 1;
    }

    private List<QueuedEvent> Read(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(_connection, sql, parameters);
        using var row = command.ExecuteReader();
        var read = new List<QueuedEvent>();
        while (row.Read()) read.Add(new QueuedEvent(row.GetInt64(0), row.GetString(1), row.GetFieldValue<byte[]>(2)));
        return read;
    }

    private static void CreateTables(SqliteConnection connection, string path)
    {
        using var transaction = connection.BeginTransaction();
        var format = Scalar(connection, "PRAGMA user_version");
        if (format > Format) throw new InvalidDataException($"{path} has format {format}; this version reads format {Format}.");
        if (format < Format)
        {
            if (format == 0)
            {
                Execute(connection, Schema);
                Execute(connection, "INSERT INTO position (one, checkpoint, events) VALUES (1, $beginning, 0)", ("$beginning", Checkpoint.Beginning.Ticks));
            }

            if (format < 2) Execute(connection, SinceFormat2);
            Execute(connection, SinceFormat3);
            Execute(connection, $"PRAGMA user_version = {Format}");
        }

        transaction.Commit();
    }

    private static int Execute(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = Command(connection, sql);
        return (long)command.ExecuteScalar()!;
    }

#pragma warning disable CA2100 // Every text is a constant of this file.
    private static SqliteCommand Command(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value);
        return command;
    }
#pragma warning restore CA2100

    private static byte[] Bytes(ReadOnlyMemory<byte> json) => json.ToArray();
}
