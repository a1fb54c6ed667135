using Dequeue.Local.WebPubSub;

namespace Dequeue.Local.Tests.WebPubSub;

/// <summary>The unmodified SDKs of Azure Web PubSub for JavaScript against the service; each script asserts by itself.</summary>
public sealed class NodeSdkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_service_SDK_can_do_every_operation()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        await NodeTools.RunAsync("webpubsub/service.mjs", [service.Server.ConnectionString], Cancel);
    }
}
