using Dequeue.Storage.Tests.Backup;
using Dequeue.Storage.Tests.Log;

namespace Dequeue.Storage.Tests.Sqlite;

public sealed class SqliteLogTests(SqliteFixture fixture) : LogConformance(fixture), IClassFixture<SqliteFixture>;

public sealed class SqliteLogModelTests(SqliteFixture fixture) : LogModelConformance(fixture), IClassFixture<SqliteFixture>
{
    protected override int Histories => 12;
}

public sealed class SqliteReadersDuringWritesTests(SqliteFixture fixture) : ReadersDuringWritesConformance(fixture), IClassFixture<SqliteFixture>
{
    protected override int Pushes => 600;
}

public sealed class SqliteProcessesTests(SqliteFixture fixture) : ProcessesConformance(fixture), IClassFixture<SqliteFixture>
{
    protected override int PushesPerWriter => 100;
}

public sealed class SqliteFailureTests(SqliteFixture fixture) : FailureConformance(fixture), IClassFixture<SqliteFixture>;

public sealed class SqliteCostTests(SqliteFixture fixture) : CostConformance(fixture), IClassFixture<SqliteFixture>
{
    [Fact]
    public Task Of_10000_one_event_pushes_each_event_is_written_4_times_at_most() => PushOneByOneAsync(10_000);

    [Fact]
    public Task Of_a_state_of_2000_tasks_a_plan_reads_no_more_when_the_history_is_longer() => CompactAsync(2000, 10_000, 20_000, 50_500);

    [Fact]
    public Task Of_a_stacks_events_first_does_not_depend_on_the_length_of_the_log() => SelectAsync(2000, 42_000);
}

public sealed class SqliteEntityIndexTests(SqliteFixture fixture) : EntityIndexConformance(fixture), IClassFixture<SqliteFixture>
{
    protected override int Histories => 15;
}

public sealed class SqliteRangeDigestTests(SqliteFixture fixture) : RangeDigestConformance(fixture), IClassFixture<SqliteFixture>;

public sealed class SqliteEpochTests(SqliteFixture fixture) : EpochConformance(fixture), IClassFixture<SqliteFixture>;

public sealed class SqliteInspectionTests(SqliteFixture fixture) : InspectionConformance(fixture), IClassFixture<SqliteFixture>;

public sealed class SqliteBackupTests(SqliteFixture fixture) : BackupConformance(fixture), IClassFixture<SqliteFixture>;

public sealed class SqliteCompactionTests(SqliteFixture fixture) : CompactionConformance(fixture), IClassFixture<SqliteFixture>
{
    protected override int Histories => 40;
}
