using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Commands;

/// <summary>backup, restore and erase with devices online, and sync with what it says then.</summary>
public sealed class HistoryCommandTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("dequeue-history-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task A_restored_server_is_healed_by_the_next_sync_which_says_so()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var token = await TokenAsync("u");
            var (backup, phone) = (Path.Combine(_data, "monday.backup"), Path.Combine(_data, "phone"));
            await PushAsync(address, token, 100, seed: 1);
            var backedUp = await ChildProcess.RunAsync("backup", backup, "--data", _data);
            await PushAsync(address, token, 50, seed: 2);
            await SyncAsync(address, token, phone);
            var refused = await ChildProcess.RunAsync("restore", backup, "--data", _data);
            var restored = await ChildProcess.RunAsync("restore", backup, "--data", _data, "--overwrite");
            await PushAsync(address, token, 10, seed: 3);
            var healed = await ChildProcess.RunAsync("sync", "--server", address.OriginalString, "--token", token, "--state", phone, "--json");
            var check = await ChildProcess.RunAsync("check", "--user", "u", "--data", _data);
            var quiet = await ChildProcess.RunAsync("sync", "--server", address.OriginalString, "--token", token, "--state", phone);

            Assert.Equal((0, 0, 1, 0), (backedUp.Code, healed.Code, refused.Code, restored.Code));
            Assert.StartsWith("1 log, ", backedUp.Output, StringComparison.Ordinal);
            Assert.Contains("--overwrite", refused.Errors, StringComparison.Ordinal);
            Assert.Contains("Open connections were closed.", restored.Output, StringComparison.Ordinal);
            Assert.Contains("The server had been put back to an earlier state: 50 events that it lacked were pushed again, and both hold the same.", healed.Errors, StringComparison.Ordinal);
            Assert.StartsWith("160 events in ", check.Output, StringComparison.Ordinal);
            Assert.Contains($"digest {JsonDocument.Parse(healed.Output).RootElement.GetProperty("digest").GetString()}: sound", check.Output, StringComparison.Ordinal);
            Assert.Equal(0, quiet.Code);
            Assert.DoesNotContain("put back", quiet.Errors + quiet.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Another_user_and_an_erased_log_are_refused_until_the_device_starts_over()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var (ada, eve, phone) = (await TokenAsync("ada"), await TokenAsync("eve"), Path.Combine(_data, "phone"));
            await PushAsync(address, ada, 20, seed: 1);
            await PushAsync(address, eve, 7, seed: 2);
            await SyncAsync(address, ada, phone);
            var before = await SyncAsync(address, ada, phone);
            var stranger = await ChildProcess.RunAsync("sync", "--server", address.OriginalString, "--token", eve, "--state", phone);
            Assert.Equal(before, await SyncAsync(address, ada, phone));
            var erased = await ChildProcess.RunAsync("erase", "--user", "ada", "--data", _data, "--yes");
            var gone = await ChildProcess.RunAsync("sync", "--server", address.OriginalString, "--token", ada, "--state", phone);
            var over = await ChildProcess.RunAsync("sync", "--server", address.OriginalString, "--token", eve, "--state", phone, "--start-over", "--json");

            foreach (var run in new[] { stranger, gone })
            {
                Assert.Equal(1, run.Code);
                Assert.Contains("This device holds another history than the server", run.Errors, StringComparison.Ordinal);
                Assert.Contains("--start-over", run.Errors, StringComparison.Ordinal);
            }

            Assert.Contains("Open connections were closed.", erased.Output, StringComparison.Ordinal);
            Assert.Contains("0 unsent events were put aside", over.Errors, StringComparison.Ordinal);
            Assert.Equal((0, 7), (over.Code, JsonDocument.Parse(over.Output).RootElement.GetProperty("events").GetInt32()));
        }
    }

    [Fact]
    public async Task Erase_and_restore_close_the_connections_that_are_open()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var token = await TokenAsync("u");
            await PushAsync(address, token, 3, seed: 1);
            var backup = Path.Combine(_data, "b.backup");
            await ChildProcess.RunAsync("backup", backup, "--data", _data);
            foreach (var command in new string[][] { ["erase", "--user", "u", "--yes"], ["restore", backup, "--overwrite"] })
            {
                await using var stream = await Streaming.RawStream.OpenAsync(new UriBuilder(new Uri(address, "/v1/sync/stream")) { Scheme = "ws" }.Uri, token);
                await stream.SendAsync("""{"type":"sync.stream.request","live":true}""");
                await stream.ReceiveUntilAsync("sync.stream.complete");
                Assert.Equal(0, (await ChildProcess.RunAsync([.. command, "--data", _data])).Code);
                Assert.Equal(System.Net.WebSockets.WebSocketMessageType.Close, (await stream.ReceiveAsync()).Kind);
            }
        }
    }

    [Fact]
    public async Task A_backup_goes_into_a_new_file_alone_and_what_is_none_is_not_restored()
    {
        var (file, text) = (Path.Combine(_data, "there"), Path.Combine(_data, "text"));
        await File.WriteAllBytesAsync(Path.Combine(_data, "events.db"), [], TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(file, "x", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(text, "no backup at all, only some text", TestContext.Current.CancellationToken);
        var taken = await ChildProcess.RunAsync("backup", file, "--data", _data);
        var absent = await ChildProcess.RunAsync("restore", Path.Combine(_data, "absent"), "--data", _data);
        var none = await ChildProcess.RunAsync("restore", text, "--data", _data);

        Assert.Equal((1, 1, 1), (taken.Code, absent.Code, none.Code));
        Assert.Contains("is there already", taken.Errors, StringComparison.Ordinal);
        Assert.Contains("There is no file", absent.Errors, StringComparison.Ordinal);
        Assert.Contains("is no backup", none.Errors, StringComparison.Ordinal);
        Assert.All([taken, absent, none], run => Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal("x", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    private async Task<string> TokenAsync(string user) => (await ChildProcess.RunAsync("token", "--user", user, "--data", _data)).Output.Trim();

    private static async Task PushAsync(Uri address, string token, int count, int seed)
    {
        var push = await ChildProcess.RunAsync(
            "push", "--generate", $"{count}", "--seed", $"{seed}", "--server", address.OriginalString, "--token", token);
        Assert.Contains($"{count} acknowledged, 0 rejected", push.Output, StringComparison.Ordinal);
    }

    private static async Task<string> SyncAsync(Uri address, string token, string state)
    {
        var sync = await ChildProcess.RunAsync("sync", "--server", address.OriginalString, "--token", token, "--state", state, "--json");
        Assert.Equal((0, ""), (sync.Code, sync.Errors.Trim()));
        var result = JsonDocument.Parse(sync.Output).RootElement;
        return $"{result.GetProperty("checkpoint")} {result.GetProperty("digest")}";
    }
}
