using Dequeue.Contracts;
using Dequeue.Storage.Tests.Log;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Sqlite;

/// <summary>A writer that is killed with no warning, over and over, in the midst of its work.</summary>
public sealed class KillTests(SqliteFixture fixture) : IClassFixture<SqliteFixture>
{
    private const int Rounds = 12;

    [Fact]
    public async Task Every_acknowledged_event_is_there_exactly_once_after_each_kill()
    {
        var cancel = TestContext.Current.CancellationToken;
        var log = new EventLog(fixture.Table, TimeProvider.System, NullLogger<EventLog>.Instance);
        var key = new LogKey(AppId.Parse("dequeue"), UserId.Parse("killed"));
        var random = new Random(5);
        var acknowledged = new HashSet<string>();
        for (var round = 0; round < Rounds; round++)
        {
            using var writer = new WriterProcess(fixture.Setting, fixture.TableName, key.User.Value, $"r{round}", writers: 8, pushes: 100_000);
            await writer.KillAfterAsync(random.Next(1, 400), cancel);

            // A push whose line was cut by the kill is acknowledged only as far as the line can be read: leave its last id out.
            Assert.NotEmpty(writer.Acknowledged);
            acknowledged.UnionWith(writer.Acknowledged.SkipLast(1));
            var stored = (await log.ReadAllAsync(key, cancel)).ConvertAll(LogReading.IdOf);
            Assert.Equal(stored.Count, stored.Distinct().Count());
            Assert.Empty(acknowledged.Except(stored));
            await log.AssertSoundAsync(key, stored.Count);
        }

        TestContext.Current.SendDiagnosticMessage($"kill -9: {Rounds} rounds, {acknowledged.Count} events acknowledged, all there, log sound each time");
    }
}
