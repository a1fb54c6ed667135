using System.Text.RegularExpressions;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Sync.Streaming;

namespace Dequeue.EndToEnd.Tests.Streaming;

public sealed class KilledServerTests
{
    [Fact]
    public async Task A_server_killed_between_two_windows_ends_the_stream_of_its_dead_client_in_order_after_the_restart()
    {
        var data = Directory.CreateTempSubdirectory("dequeue-killed-").FullName;
        try
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", data)).Output.Trim();
            var (first, address) = await ChildProcess.ServeAsync(data, "--verbose");
            await using (first)
            {
                Assert.Equal(0, (await ChildProcess.RunAsync("push", "--generate", "120000", "--server", address.OriginalString, "--token", token)).Code);
                await using var stream = await RawStream.OpenAsync(new UriBuilder(new Uri(address, "/v1/sync/stream")) { Scheme = "ws" }.Uri, token);

                // Compressed and unread, so that this client never falls so far behind that it is let go as a slow one.
                await stream.SendAsync("""{"type":"sync.stream.request","encodings":["gzip"]}""");
                await stream.SkipAsync(1 + StreamLimits.WindowBatches + 1);

                await first.KillAsync();
            }

            var connection = Regex.Match(first.Errors, @"Stream on (\S+) started: 120000 events").Groups[1].Value;
            Assert.NotEmpty(connection);
            Assert.DoesNotContain($"Stream on {connection} complete", first.Errors, StringComparison.Ordinal);

            var (second, _) = await ChildProcess.ServeAsync(data, "--verbose");
            await using (second)
            {
                await second.WaitForErrorLineAsync($"Stream on {connection} ended: its client left");
                Assert.Equal(0, await second.TerminateAsync());
            }
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }
}
