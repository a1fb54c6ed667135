using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>
/// The engine's SQLite file. All writes go through one queue: what waits is written in one transaction, in order, and what
/// follows from a write is done, in the same order, once it is committed.
/// </summary>
internal sealed class DurableStore : IAsyncDisposable
{
    /// <summary>Writes in one transaction: enough that a commit costs little each, few enough that none waits long.</summary>
    private const int MaxBatch = 256;

    /// <summary>Writes after which the write-ahead log is copied into the file: a log of a few megabytes.</summary>
    private const int WritesPerCheckpoint = 2000;

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly Database _database;
    private readonly ConcurrentBag<Database> _readers = [];
    private readonly Channel<IWrite> _writes = Channel.CreateUnbounded<IWrite>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writer;
    private Task _checkpoint = Task.CompletedTask;
    private int _writesSinceCheckpoint;
    private long _nextExecution;
    private long _firstRow;

    /// <exception cref="InvalidOperationException">Another process uses the file.</exception>
    public DurableStore(string path)
    {
        _path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        try
        {
            _lock = new FileStream(_path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new InvalidOperationException($"The durable store '{_path}' is in use by another process.");
        }

        _database = new Database(_path);
        try
        {
            Schema.Create(_database);
        }
        catch
        {
            _database.Dispose();
            _lock.Dispose();
            throw;
        }

        _nextExecution = 1 + (long)(_database.Scalar(
            "SELECT max(coalesce((SELECT max(execution) FROM instances), 0), coalesce((SELECT max(execution) FROM activities), 0))") ?? 0L);
        _firstRow = Math.Min(0L, (long)(_database.Scalar("SELECT coalesce(min(row), 0) FROM inbox") ?? 0L));
        _writer = WriteAllAsync();
    }

    private interface IWrite
    {
        void Execute(StoreTransaction transaction);

        void Committed();

        void Failed(Exception exception);
    }

    /// <summary>A number that no run of an instance has had in this process, or has in the file. Called in writes alone.</summary>
    public long NextExecution() => _nextExecution++;

    /// <summary>The first of some row numbers that sort before all messages in the file. Called in writes alone.</summary>
    public long RowsBeforeAll(int count) => _firstRow -= count;

    /// <summary>Writes, durably once the task ends.</summary>
    /// <param name="body">The statements; run again if a write beside it fails.</param>
    /// <param name="committed">What follows; the next write's follows after it.</param>
    public Task<T> WriteAsync<T>(Func<StoreTransaction, T> body, Action<T>? committed = null)
    {
        var write = new Write<T>(body, committed);
        if (!_writes.Writer.TryWrite(write))
        {
            throw new InvalidOperationException("The durable engine has stopped.");
        }

        return write.Task;
    }

    /// <summary>Reads what is committed.</summary>
    public T Read<T>(Func<Database, T> read)
    {
        if (!_readers.TryTake(out var database))
        {
            database = new Database(_path);
        }

        try
        {
            return read(database);
        }
        finally
        {
            _readers.Add(database);
        }
    }

    /// <summary>Finishes the writes that wait, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _writes.Writer.TryComplete();
        await _writer;
        await _checkpoint.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var reader in _readers)
        {
            reader.Dispose();
        }

        _database.Dispose();
        await _lock.DisposeAsync();
    }

    private async Task WriteAllAsync()
    {
        var transaction = new StoreTransaction(_database, this);
        var batch = new List<IWrite>(MaxBatch);
        while (await _writes.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _writes.Reader.TryRead(out var write))
            {
                batch.Add(write);
            }

            if (TryCommit(batch, transaction) is not null)
            {
                // One of them is at fault; alone, the others go through.
                foreach (var write in batch)
                {
                    if (TryCommit([write], transaction) is { } failure)
                    {
                        write.Failed(failure);
                    }
                }
            }

            _writesSinceCheckpoint += batch.Count;
            if (_writesSinceCheckpoint >= WritesPerCheckpoint && _checkpoint.IsCompleted)
            {
                _writesSinceCheckpoint = 0;
                _checkpoint = CheckpointAsync();
            }
        }
    }

    private async Task CheckpointAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Read(static database => database.Execute("PRAGMA wal_checkpoint(PASSIVE)"));
    }

    private Exception? TryCommit(List<IWrite> batch, StoreTransaction transaction)
    {
        try
        {
            _database.Execute("BEGIN IMMEDIATE");
            try
            {
                batch.ForEach(write => write.Execute(transaction));
                _database.Execute("COMMIT");
            }
            catch
            {
                _database.Execute("ROLLBACK");
                throw;
            }
        }
        catch (Exception exception)
        {
            return exception;
        }

        batch.ForEach(static write => write.Committed());
        return null;
    }

    private sealed class Write<T>(Func<StoreTransaction, T> body, Action<T>? committed) : IWrite
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Task => _done.Task;

        public void Execute(StoreTransaction transaction) => _result = body(transaction);

        public void Committed()
        {
            committed?.Invoke(_result!);
            _done.SetResult(_result!);
        }

        public void Failed(Exception exception) => _done.SetException(exception);
    }
}
