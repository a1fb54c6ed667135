using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Sync.Streaming;

namespace Dequeue.EndToEnd.Tests.Streaming;

/// <summary>What a death of the functions in the middle of a stream costs a device.</summary>
public sealed class KilledFunctionsTests
{
    private const string User = "ada";

    [Theory]
    [InlineData(8, 5_000, 50)]
    [InlineData(null, 30_000, 100)]
    public async Task Functions_killed_in_the_middle_go_on_where_they_were_and_repeat_a_window_at_most(int? window, int count, int batchSize)
    {
        await using var functions = await FunctionsProcess.StartAsync();
        await functions.PushAsync(User, count);

        // A client of a subprotocol: the service lets a plain one go when the functions die over its acknowledgement.
        await using var stream = await RawStream.OpenAsync(await functions.NegotiateAsync(User), subprotocol: "json.webpubsub.azure.v1");
        await stream.ReceiveAsync();
        await SendAsync("sync.stream.request", window is null ? $$"""{"batchSize":{{batchSize}}}""" : $$"""{"batchSize":{{batchSize}},"window":{{window}}}""");
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));

        var checkpoints = new List<string>();
        var (events, repeated) = (0, 0);
        var deaths = new Queue<int>([count / batchSize / 4, count / batchSize / 2, count / batchSize * 3 / 4]);
        while (true)
        {
            var (_, message) = await stream.ReceiveAsync();
            if (RawStream.TypeOf(message) == "sync.stream.complete") break;
            Assert.Equal("sync.stream.batch", RawStream.TypeOf(message));
            var batch = message.GetProperty("data");
            var (index, checkpoint) = (batch.GetProperty("batchIndex").GetInt32(), batch.GetProperty("checkpoint").GetString()!);
            if (index < checkpoints.Count)
            {
                // The same batch again, to the letter of its place.
                Assert.Equal(checkpoints[index], checkpoint);
                repeated++;
            }
            else
            {
                Assert.Equal(checkpoints.Count, index);
                checkpoints.Add(checkpoint);
                events += batch.GetProperty("events").GetArrayLength();
            }

            if (deaths.TryPeek(out var death) && index == death)
            {
                deaths.Dequeue();
                await functions.KillAndStartAsync();
            }

            if (window is not null) await SendAsync("sync.stream.ack", $$"""{"batchIndex":{{index}}}""");
        }

        Assert.Equal((count, count / batchSize), (events, checkpoints.Count));
        Assert.Equal(3, functions.Kills);
        Assert.InRange(repeated, 0, functions.Kills * (window ?? StreamLimits.WindowBatches));

        Task SendAsync(string name, string data) => stream.SendAsync($$"""{"type":"event","event":"{{name}}","dataType":"json","data":{{data}}}""", asText: true);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(4)]
    public async Task A_device_whose_server_dies_with_its_socket_resumes_from_its_last_batch_and_processes_at_most_one_twice(int? window)
    {
        const int Count = 30_000;
        const int BatchSize = 500;
        var data = Directory.CreateTempSubdirectory("dequeue-resumed-").FullName;
        try
        {
            var token = (await ChildProcess.RunAsync("token", "--user", User, "--data", data)).Output.Trim();
            var request = $$"""{"type":"sync.stream.request","batchSize":{{BatchSize}}{{(window is null ? "" : $",\"window\":{window}")}}""";
            var (processed, saved) = (new List<string>(), "");
            var (first, address) = await ChildProcess.ServeAsync(data);
            await using (first)
            {
                Assert.Equal(0, (await ChildProcess.RunAsync("push", "--generate", $"{Count}", "--server", address.OriginalString, "--token", token)).Code);
                await using var stream = await RawStream.OpenAsync(StreamUrl(address), token);
                await stream.SendAsync(request + "}");
                Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
                for (var index = 0; index < 25; index++)
                {
                    var batch = (await stream.ReceiveAsync()).Message;
                    processed.AddRange(Ids(batch));

                    // It dies after the device has processed a batch, and before it has saved where it stands.
                    if (index == 24) break;
                    saved = batch.GetProperty("checkpoint").GetString()!;
                    if (window is not null) await stream.SendAsync(WindowClient.Ack(index));
                }

                await first.KillAsync();
            }

            var (second, again) = await ChildProcess.ServeAsync(data);
            await using (second)
            {
                await using var stream = await RawStream.OpenAsync(StreamUrl(again), token);
                await stream.SendAsync($$"""{{request}},"since":"{{saved}}"}""");
                while ((await stream.ReceiveAsync()).Message is var message && RawStream.TypeOf(message) != "sync.stream.complete")
                {
                    if (RawStream.TypeOf(message) != "sync.stream.batch") continue;
                    processed.AddRange(Ids(message));
                    if (window is not null) await stream.SendAsync(WindowClient.Ack(message.GetProperty("batchIndex").GetInt32()));
                }
            }

            Assert.Equal(Count, processed.Distinct().Count());
            Assert.Equal(BatchSize, processed.Count - Count);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static Uri StreamUrl(Uri server) => new UriBuilder(new Uri(server, "/v1/sync/stream")) { Scheme = "ws" }.Uri;

    private static IEnumerable<string> Ids(JsonElement batch) => batch.GetProperty("events").EnumerateArray().Select(one => one.GetProperty("id").GetString()!);
}
