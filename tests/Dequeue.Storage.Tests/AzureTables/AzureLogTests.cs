using Dequeue.Storage.Tests.Log;

namespace Dequeue.Storage.Tests.AzureTables;

public sealed class AzureLogTests(AzuriteFixture fixture) : LogConformance(fixture), IClassFixture<AzuriteFixture>;
