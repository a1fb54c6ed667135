using Dequeue.Storage.Tests.Backup;
using Dequeue.Storage.Tests.Log;

namespace Dequeue.Storage.Tests.AzureTables;

public sealed class AzureLogTests(AzuriteFixture fixture) : LogConformance(fixture), IClassFixture<AzuriteFixture>;

public sealed class AzureLogModelTests(AzuriteFixture fixture) : LogModelConformance(fixture), IClassFixture<AzuriteFixture>
{
    // Azurite looks at the whole table for each query.
    protected override int Histories => 4;
}

public sealed class AzureReadersDuringWritesTests(AzuriteFixture fixture) : ReadersDuringWritesConformance(fixture), IClassFixture<AzuriteFixture>
{
    protected override int Pushes => 300;
}

public sealed class AzureProcessesTests(AzuriteFixture fixture) : ProcessesConformance(fixture), IClassFixture<AzuriteFixture>
{
    protected override int PushesPerWriter => 15;
}

public sealed class AzureFailureTests(AzuriteFixture fixture) : FailureConformance(fixture), IClassFixture<AzuriteFixture>;

public sealed class AzureCostTests(AzuriteFixture fixture) : CostConformance(fixture), IClassFixture<AzuriteFixture>
{
    // The same code as on SQLite, where 10,000 pushes take seconds and not minutes.
    [Fact]
    public Task Of_400_one_event_pushes_each_event_is_written_4_times_at_most() => PushOneByOneAsync(400);

    [Fact]
    public Task Of_a_state_of_500_tasks_a_plan_reads_no_more_when_the_history_is_longer() => CompactAsync(500, 9_000, 18_500);

    [Fact]
    public Task Of_a_stacks_events_first_does_not_depend_on_the_length_of_the_log() => SelectAsync(2000, 4000);
}

public sealed class AzureEntityIndexTests(AzuriteFixture fixture) : EntityIndexConformance(fixture), IClassFixture<AzuriteFixture>
{
    protected override int Histories => 2;
}

public sealed class AzureRangeDigestTests(AzuriteFixture fixture) : RangeDigestConformance(fixture), IClassFixture<AzuriteFixture>;

public sealed class AzureEpochTests(AzuriteFixture fixture) : EpochConformance(fixture), IClassFixture<AzuriteFixture>;

public sealed class AzureInspectionTests(AzuriteFixture fixture) : InspectionConformance(fixture), IClassFixture<AzuriteFixture>;

public sealed class AzureBackupTests(AzuriteFixture fixture) : BackupConformance(fixture), IClassFixture<AzuriteFixture>;

public sealed class AzureCompactionTests(AzuriteFixture fixture) : CompactionConformance(fixture), IClassFixture<AzuriteFixture>
{
    protected override int Histories => 2;
}
