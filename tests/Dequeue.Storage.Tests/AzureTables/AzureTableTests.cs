using System.Net;
using System.Net.Sockets;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests.AzureTables;

public sealed class AzureTableTests(AzuriteFixture fixture) : TableConformance(fixture), IClassFixture<AzuriteFixture>
{
    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable_and_the_message_holds_no_key()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var table = EventLogStorage.Open($"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0;TableEndpoint=http://127.0.0.1:{port}/a;");
        var e = await Assert.ThrowsAsync<StorageUnavailableException>(() => table.CheckAsync(TestContext.Current.CancellationToken));
        Assert.DoesNotContain("c2VjcmV0", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_is_unavailable_and_says_so()
    {
        var table = EventLogStorage.Open(fixture.Setting.Replace("Eby8", "AAAA", StringComparison.Ordinal));
        var e = await Assert.ThrowsAsync<StorageUnavailableException>(() => table.CheckAsync(TestContext.Current.CancellationToken));
        Assert.Contains("refuses the credentials", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loopback_address_alone_means_Azurite()
    {
        var address = fixture.Setting.Split("TableEndpoint=")[1].TrimEnd(';');
        await EventLogStorage.Open(address).CheckAsync(TestContext.Current.CancellationToken);
    }
}
