using System.Net;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Operation;

[Collection(PublishedFunctions.Collection)]
public sealed class PublishedTests
{
    [Fact]
    public async Task What_is_published_is_a_function_app_that_syncs_and_carries_no_host_and_no_settings()
    {
        var folder = await PublishedFunctions.PublishAsync(TestContext.Current.CancellationToken);
        try
        {
            string[] expected = ["host.json", "worker.config.json", "functions.metadata", "extensions.json", "Microsoft.Azure.Functions.Worker.dll", "Microsoft.DurableTask.Worker.dll"];
            Assert.All(expected, file => Assert.True(File.Exists(Path.Combine(folder.FullName, file)), file));
            Assert.True(Directory.Exists(Path.Combine(folder.FullName, ".azurefunctions")));
            Assert.All(["local.settings.json", "Dequeue.FunctionsHost.dll", "dequeue.dll"], file => Assert.False(File.Exists(Path.Combine(folder.FullName, file)), file));

            await using var functions = await FunctionsProcess.StartAsync(folder.FullName);
            await functions.PushAsync("ada", 3);
            await using var stream = await RawStream.OpenAsync(await functions.NegotiateAsync("ada"));
            await stream.SendAsync("""{"type":"sync.stream.request"}""");
            Assert.Equal(
                ["sync.stream.start", "sync.stream.batch", "sync.stream.complete"],
                (await stream.ReceiveUntilAsync("sync.stream.complete")).Select(RawStream.TypeOf));
            using var health = await functions.Http.GetAsync("/healthz", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
