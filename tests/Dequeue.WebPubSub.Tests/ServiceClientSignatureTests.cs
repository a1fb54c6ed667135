using Azure.Messaging.WebPubSub;

namespace Dequeue.WebPubSub.Tests;

/// <summary>
/// The client that stands in for the official package where that is not to be had has the official name and signatures.
/// </summary>
public sealed class ServiceClientSignatureTests
{
    [Fact]
    public void The_client_has_the_official_names_and_signatures()
    {
        var official = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "official-api.txt")).Where(line => line.Length > 0 && line[0] != '#');
        var ours = ApiListing.Of(typeof(WebPubSubServiceClient).Assembly, typeof(WebPubSubServiceClient).Namespace!);
        Assert.Equal(string.Join('\n', official), string.Join('\n', ours));
    }
}
