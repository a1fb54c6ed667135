using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Logging.Abstractions;
using Stopwatch = System.Diagnostics.Stopwatch;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Several processes on one log.</summary>
public abstract class ProcessesConformance(ITableFixture fixture)
{
    private const int Writers = 20;

    protected abstract int PushesPerWriter { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_processes_of_20_writers_lose_and_double_nothing_and_a_reader_misses_nothing()
    {
        var log = new EventLog(fixture.Table, TimeProvider.System, NullLogger<EventLog>.Instance);
        var key = new LogKey(AppId.Parse("dequeue"), UserId.Parse("two-processes"));
        var watch = Stopwatch.StartNew();
        using var a = new WriterProcess(fixture.Setting, fixture.TableName, key.User.Value, "a", Writers, PushesPerWriter);
        using var b = new WriterProcess(fixture.Setting, fixture.TableName, key.User.Value, "b", Writers, PushesPerWriter);
        var writing = Task.WhenAll(a.RunAsync(Cancel), b.RunAsync(Cancel));

        var seen = new List<StoredEvent>();
        var polls = 0;
        for (var last = false; !last; polls++)
        {
            // Polls as fast as a device would at most; without a pause this would take the writers' processor.
            await Task.WhenAny(writing, Task.Delay(2, Cancel));
            last = writing.IsCompleted;
            var head = await log.ReadHeadAsync(key, Cancel);
            var since = seen.Count > 0 ? seen[^1].At : Checkpoint.Beginning;
            if (head.Last > since) seen.AddRange(await log.ReadEventsAsync(key, since, head.Last, Cancel));
            Assert.Equal(head.Count, seen.Count);
        }

        await writing;
        var seconds = watch.Elapsed.TotalSeconds;
        var acknowledged = a.Acknowledged.Concat(b.Acknowledged).ToList();
        Assert.Equal(await log.ReadAllAsync(key, Cancel), seen);
        Assert.Equal(acknowledged.Order(StringComparer.Ordinal), seen.Select(LogReading.IdOf).Order(StringComparer.Ordinal));
        await log.AssertSoundAsync(key, acknowledged.Count);
        TestContext.Current.SendDiagnosticMessage(
            $"{fixture.GetType().Name}: 2 processes x {Writers} writers, {2 * Writers * PushesPerWriter} pushes, {seen.Count} events, 0 lost, 0 doubled, {polls} polls, {seconds:F1} s");
    }
}
