using Dequeue.Contracts;
using Dequeue.Storage.Tests.Log;
using Dequeue.Sync.Backup;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Backup;

/// <summary>A backup has every event, position and epoch, is taken while others write, and comes back into any storage.</summary>
public abstract class BackupConformance(ITableFixture fixture) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-backup-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_backup_holds_every_log_and_comes_back_with_events_positions_and_epochs()
    {
        var log = Open(fixture.Table);
        LogKey[] keys = [Key("ada"), Key("b/b"), Key("eve")];
        foreach (var (key, i) in keys.Select((key, i) => (key, i))) await log.AppendAsync(key, TestEvents.Many(1100 * i + 7), Cancel);
        foreach (var key in keys) await fixture.Table.IndexedAsync(key, Cancel);
        var before = await StateAsync(log, keys);
        var (file, other) = (In("one.backup"), In("other.db"));

        var written = await EventLogBackup.WriteAsync(fixture.Table, file, Cancel);
        Assert.True(written.Logs >= keys.Length);
        Assert.Equal(before, await StateAsync(file, keys));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await Assert.ThrowsAsync<IOException>(() => EventLogBackup.WriteAsync(fixture.Table, file, Cancel));

        // Into an empty SQLite file, and into this storage after it went on.
        using (var target = (IDisposable)EventLogStorage.Open($"sqlite:{other}"))
            Assert.Equal(written, await EventLogBackup.RestoreAsync(file, (IPartitionedTable)target, overwrite: false, Cancel));
        Assert.Equal(before, await StateAsync(other, keys));
        await log.AppendAsync(keys[0], [TestEvents.One("later")], Cancel);
        await log.EraseAsync(keys[1], Cancel);
        await log.AppendAsync(Key("new"), [TestEvents.One("x")], Cancel);
        var later = await StateAsync(log, keys);
        Assert.Null(await EventLogBackup.RestoreAsync(file, fixture.Table, overwrite: false, Cancel));
        Assert.Equal(later, await StateAsync(log, keys));

        Assert.Equal(written, await EventLogBackup.RestoreAsync(file, fixture.Table, overwrite: true, Cancel));
        Assert.Equal(before, await StateAsync(log, keys));
        Assert.Equal(LogHead.Empty, await log.ReadHeadAsync(Key("new"), Cancel));
        await log.AppendAsync(keys[0], [TestEvents.One("later")], Cancel);
        foreach (var key in keys) Assert.True((await log.CheckAsync(key, Cancel)).IsSound);
        Assert.Equal(["one.backup", "other.db"], _folder.GetFiles().Select(one => one.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_backup_that_is_taken_while_devices_push_holds_each_log_as_it_was_at_one_moment()
    {
        var (log, key) = (Open(fixture.Table), Key("busy"));
        await log.AppendAsync(key, [TestEvents.One("first")], Cancel);
        using var stop = new CancellationTokenSource();
        var pushing = PushAsync();

        var copies = new List<List<StoredEvent>>();
        for (var i = 0; i < 3; i++)
        {
            await EventLogBackup.WriteAsync(fixture.Table, In($"{i}.backup"), Cancel);
            using var table = (IDisposable)EventLogStorage.Open($"sqlite:{In($"{i}.backup")}");
            var copy = Open((IPartitionedTable)table);
            Assert.Empty((await copy.CheckAsync(key, Cancel)).Findings);
            copies.Add(await copy.ReadAllAsync(key, Cancel));
            await log.AppendAsync(key, [TestEvents.One($"between-{i}")], Cancel);
        }

        await stop.CancelAsync();
        await pushing;
        var all = await log.ReadAllAsync(key, Cancel);
        foreach (var copy in copies) Assert.Equal(all.Take(copy.Count), copy);
        Assert.True(copies[0].Count < copies[2].Count);

        async Task PushAsync()
        {
            for (var i = 0; !stop.IsCancellationRequested; i++) await log.AppendAsync(key, [TestEvents.One($"busy-{i}")], Cancel);
        }
    }

    [Fact]
    public async Task What_is_no_backup_is_refused_and_changes_nothing()
    {
        var (log, key) = (Open(fixture.Table), Key("kept"));
        await log.AppendAsync(key, TestEvents.Many(3), Cancel);
        await File.WriteAllTextAsync(In("text"), "This is no backup, and long enough to be told from an empty file.", Cancel);
        await File.WriteAllBytesAsync(In("empty"), [], Cancel);
        foreach (var file in new[] { "text", "empty" })
            await Assert.ThrowsAsync<FormatException>(() => EventLogBackup.RestoreAsync(In(file), fixture.Table, overwrite: true, Cancel));
        await Assert.ThrowsAsync<FileNotFoundException>(() => EventLogBackup.RestoreAsync(In("absent"), fixture.Table, overwrite: true, Cancel));
        await log.AssertSoundAsync(key, 3);
    }

    [Fact]
    public async Task A_log_that_is_being_copied_is_empty_until_it_is_whole()
    {
        var (log, key) = (Open(fixture.Table), Key("half"));
        await log.AppendAsync(key, TestEvents.Many(500), Cancel);
        using var file = (IDisposable)EventLogStorage.Open($"sqlite:{In("half.db")}");
        var answers = 0;
        var cut = new InterruptedTable(fixture.Table, 50) { BetweenAnswers = () => answers++ < 5 ? Task.CompletedTask : throw new StorageUnavailableException("cut") };
        await Assert.ThrowsAsync<StorageUnavailableException>(() => LogCopy.CopyAsync(cut, (IPartitionedTable)file, LogRows.Partition(key), Cancel));

        var copy = Open((IPartitionedTable)file);
        Assert.Empty(await copy.ReadAllAsync(key, Cancel));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => copy.AppendAsync(key, [TestEvents.One("x")], Cancel));
        Assert.True(await LogCopy.CopyAsync(fixture.Table, (IPartitionedTable)file, LogRows.Partition(key), Cancel) > 500);
        await copy.AssertSoundAsync(key, 500);
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    private static EventLog Open(IPartitionedTable table) => new(table, TimeProvider.System, NullLogger<EventLog>.Instance);

    private static LogKey Key(string user) => new(AppId.Parse("backup"), UserId.Parse(user));

    private static async Task<string> StateAsync(string file, LogKey[] keys)
    {
        using var table = (IDisposable)EventLogStorage.Open($"sqlite:{file}");
        return await StateAsync(Open((IPartitionedTable)table), keys);
    }

    private static async Task<string> StateAsync(EventLog log, LogKey[] keys)
    {
        var state = new List<string>();
        foreach (var key in keys)
        {
            var (head, report) = (await log.ReadHeadAsync(key, Cancel), await log.CheckAsync(key, Cancel));
            state.Add($"{head} {report.Events} {report.Digest} {string.Join(' ', report.Findings)}");
        }

        return string.Join('\n', state);
    }
}
