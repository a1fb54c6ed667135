using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Streaming;

/// <summary>The unmodified Web PubSub SDK for JavaScript as a sync client.</summary>
public sealed class SdkClientTests(Backend backend)
{
    [Theory]
    [InlineData("json", "none")]
    [InlineData("reliable", "none")]
    [InlineData("json", "gzip")]
    [InlineData("reliable", "gzip")]
    public async Task An_SDK_client_gets_the_whole_history(string protocol, string encoding)
    {
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(3_456);
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        var url = (await TestUser.JsonOf(answer)).GetProperty("url").GetString()!;

        var output = await NodeTools.RunAsync("stream/sdk.mjs", [url, protocol, encoding], TestContext.Current.CancellationToken);

        var result = JsonDocument.Parse(output).RootElement;
        Assert.Equal(3_456, result.GetProperty("total").GetInt32());
        Assert.Equal(3_456, result.GetProperty("events").GetInt32());
        Assert.Equal(3_456, result.GetProperty("processed").GetInt32());
        Assert.Equal(1, result.GetProperty("lasts").GetInt32());
        Assert.Equal(IdOf(pushed[0]), result.GetProperty("first").GetString());
        Assert.Equal(IdOf(pushed[^1]), result.GetProperty("last").GetString());
        Assert.Equal(encoding == "gzip", result.TryGetProperty("encoding", out _));
    }

    private static string? IdOf(byte[] json) => JsonDocument.Parse(json).RootElement.GetProperty("id").GetString();
}
