using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Storage that fails at the worst moment: nothing acknowledged is lost, nothing is stored twice.</summary>
public abstract class FailureConformance
{
    private static int _users;

    private readonly FailingTable _table;
    private readonly EventLog _log, _other;
    private readonly LogKey _key = new(AppId.Parse("failing"), UserId.Parse($"user{Interlocked.Increment(ref _users)}"));

    protected FailureConformance(ITableFixture fixture)
    {
        _table = new FailingTable(fixture.Table);
        _log = new EventLog(_table, TimeProvider.System, NullLogger<EventLog>.Instance);
        _other = new EventLog(fixture.Table, TimeProvider.System, NullLogger<EventLog>.Instance);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Failure.BeforeTheCommit)]
    [InlineData(Failure.AfterTheCommit)]
    [InlineData(Failure.CommittedLater)]
    [InlineData(Failure.BeforeTheCommit, Failure.AfterTheCommit)]
    [InlineData(Failure.CommittedLater, Failure.BeforeTheCommit)]
    [InlineData(Failure.BeforeTheCommit, Failure.BeforeTheCommit, Failure.AfterTheCommit)]
    public async Task An_append_whose_commit_is_in_doubt_is_stored_and_told_once(params Failure[] failures)
    {
        var events = TestEvents.Many(30);
        await _log.AppendAsync(_key, events[..10], Cancel);
        foreach (var failure in failures) _table.Commits.Enqueue(failure);
        var result = await _log.AppendAsync(_key, events[10..], Cancel);

        Assert.Empty(_table.Commits);
        Assert.Equal(events[10..].Texts(), result.Committed.Events().Select(e => e.Text));
        Assert.Equal(0, result.AlreadyStored);
        Assert.Equal(await _log.ReadHeadAsync(_key, Cancel), result.Head);
        var stored = await _other.ReadAllAsync(_key, Cancel);
        Assert.Equal(events.Texts(), stored.Select(e => e.Text));
        Assert.Equal(stored[10..], result.Committed.Events());
        await _other.AssertSoundAsync(_key, 30);
    }

    [Theory]
    [InlineData(Failure.BeforeTheCommit)]
    [InlineData(Failure.AfterTheCommit)]
    [InlineData(Failure.CommittedLater)]
    public async Task So_it_is_when_another_process_appends_before_the_doubt_is_settled(Failure failure)
    {
        var events = TestEvents.Many(60);
        await _other.AppendAsync(_key, events[..5], Cancel);
        _table.Commits.Enqueue(failure);
        _table.OnFailure = () => _other.AppendAsync(_key, events[40..], Cancel);
        var result = await _log.AppendAsync(_key, events[5..40], Cancel);

        Assert.Equal(events[5..40].Texts(), result.Committed.Events().Select(e => e.Text));
        Assert.Equal(0, result.AlreadyStored);
        await _other.AssertSoundAsync(_key, 60);
    }

    [Fact]
    public async Task Storage_that_stays_away_fails_the_call_and_a_retry_completes_it()
    {
        var events = TestEvents.Many(250);
        foreach (var failure in new[] { Failure.None, Failure.AfterTheCommit, Failure.BeforeTheCommit }) _table.Commits.Enqueue(failure);
        _table.BeforeCommit = () =>
        {
            // Once the second transaction is in doubt, nothing answers any more.
            if (_table.Commits.Count < 2) _table.FailingReads = int.MaxValue;
            return Task.CompletedTask;
        };
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _log.AppendAsync(_key, events, Cancel));

        _table.BeforeCommit = () => Task.CompletedTask;
        _table.FailingReads = 0;
        _table.Commits.Clear();
        var result = await _log.AppendAsync(_key, events, Cancel);
        Assert.Equal(250, result.AlreadyStored + result.Committed.Sum(page => page.Count));
        Assert.Equal(events.Texts(), (await _other.ReadAllAsync(_key, Cancel)).Select(e => e.Text));
        await _other.AssertSoundAsync(_key, 250);
    }

    [Fact]
    public async Task A_writer_who_loses_each_race_to_others_gets_his_turn()
    {
        var events = TestEvents.Many(20);
        var races = 0;
        _table.BeforeCommit = async () =>
        {
            if (races < 10) await _other.AppendAsync(_key, [TestEvents.One($"other{races++}")], Cancel);
        };
        var result = await _log.AppendAsync(_key, events, Cancel);
        Assert.Equal(10, races);
        Assert.Equal(30, result.Head.Count);
        await _other.AssertSoundAsync(_key, 30);
    }

    [Fact]
    public async Task A_caller_who_gives_up_during_a_commit_disturbs_nobody()
    {
        var events = TestEvents.Many(3);
        using var gaveUp = new CancellationTokenSource();
        var (reached, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        _table.BeforeCommit = () =>
        {
            reached.TrySetResult();
            return go.Task;
        };
        var first = _log.AppendAsync(_key, [events[0]], gaveUp.Token);
        await reached.Task.WaitAsync(Cancel);
        var second = _log.AppendAsync(_key, [events[1]], Cancel);
        var waiting = _log.AppendAsync(_key, [events[2]], gaveUp.Token);
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        go.SetResult();

        // The one in flight is stored, the one that still waited is not.
        Assert.Equal(2, (await second).Head.Count);
        Assert.Equal(events[..2].Texts(), (await _other.ReadAllAsync(_key, Cancel)).Select(e => e.Text));
    }

    [Fact]
    public async Task A_read_fails_when_storage_does()
    {
        await _log.AppendAsync(_key, TestEvents.Many(10), Cancel);
        var head = await _log.ReadHeadAsync(_key, Cancel);
        _table.FailingReads = int.MaxValue;
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _log.ReadHeadAsync(_key, Cancel));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _log.ReadEventsAsync(_key, Checkpoint.Beginning, head.Last, Cancel));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _log.AppendAsync(_key, TestEvents.Many(1), Cancel));
    }
}
