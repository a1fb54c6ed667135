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
