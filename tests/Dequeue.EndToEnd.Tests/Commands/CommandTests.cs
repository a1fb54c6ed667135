using System.Text;
using System.Text.Json;
using Dequeue.Cli.Commands;
using Dequeue.Cli.Serving;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;

namespace Dequeue.EndToEnd.Tests.Commands;

public sealed class CommandTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("dequeue-cli-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Token_push_and_sync_work_together_and_serve_stops_on_SIGTERM()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var (tokenCode, tokenOutput, _) = await ChildProcess.RunAsync("token", "--user", "u", "--data", _data);
            var token = tokenOutput.TrimEnd('\n');
            var push = await ChildProcess.RunAsync("push", "--generate", "2500", "--seed", "7", "--server", address.OriginalString, "--token", token);
            var again = await ChildProcess.RunAsync("push", "--generate", "2500", "--seed", "7", "--server", address.OriginalString, "--token", token);
            var stream = await SyncAsync(address, token);
            var gateway = await SyncAsync(address, token, "--gateway");
            var rest = await SyncAsync(address, token, "--rest");
            var text = await ChildProcess.RunAsync("sync", "--server", address.OriginalString, "--token", token);

            Assert.Equal(0, tokenCode);
            Assert.DoesNotContain('\n', token);
            Assert.Contains("2500 acknowledged, 0 rejected", push.Output, StringComparison.Ordinal);
            Assert.Contains("2500 acknowledged, 0 rejected", again.Output, StringComparison.Ordinal);
            Assert.Equal(("stream", 2_500), (stream.GetProperty("transport").GetString(), stream.GetProperty("events").GetInt32()));
            Assert.Equal("stream", gateway.GetProperty("transport").GetString());
            Assert.Equal("rest", rest.GetProperty("transport").GetString());
            foreach (var field in new[] { "digest", "checkpoint" })
            {
                Assert.Equal(stream.GetProperty(field).GetString(), rest.GetProperty(field).GetString());
                Assert.Equal(stream.GetProperty(field).GetString(), gateway.GetProperty(field).GetString());
            }

            Assert.Contains("2,500 events", text.Output, StringComparison.Ordinal);
            Assert.Equal(0, await server.TerminateAsync());
            Assert.Empty(server.Errors.Trim());
        }
    }

    [Fact]
    public async Task A_file_of_events_is_pushed_and_rejected_lines_are_named()
    {
        var file = Path.Combine(_data, "events.jsonl");
        await File.WriteAllTextAsync(
            file,
            """
            {"id":"f1","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}

            {"id":"f2","ts":"never","type":"t","payload":{},"payload_version":2}
            """,
            TestContext.Current.CancellationToken);
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", _data)).Output.Trim();
            var push = await ChildProcess.RunAsync("push", "--file", file, "--server", address.OriginalString, "--token", token);

            Assert.Equal(1, push.Code);
            Assert.Contains("1 acknowledged, 1 rejected", push.Output, StringComparison.Ordinal);
            Assert.Contains("f2: ts is an RFC 3339 date-time.", push.Errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(2, "--help", "frobnicate")]
    [InlineData(2, "--user", "token")]
    [InlineData(2, "--generate", "push", "--token", "t")]
    [InlineData(2, "--token", "sync")]
    [InlineData(2, "--port", "serve", "--port", "99999")]
    [InlineData(2, "--server", "sync", "--server", "nonsense", "--token", "t")]
    [InlineData(1, "EventLog__Storage", "serve", "--port", "0", "--pubsub-port", "0", "--storage", "nonsense")]
    [InlineData(1, "127.0.0.1:9", "sync", "--server", "http://127.0.0.1:9", "--token", "t", "--json")]
    public async Task Bad_usage_is_2_a_failure_is_1_and_both_say_why_in_one_line(int code, string says, params string[] arguments)
    {
        if (arguments[0] == "serve") arguments = [.. arguments, "--data", _data];
        var (actual, output, errors) = await ChildProcess.RunAsync(arguments);

        Assert.Equal(code, actual);
        Assert.Contains(says, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_and_a_taken_data_folder_are_said_in_one_line()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var port = address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var taken = await ChildProcess.RunAsync("serve", "--port", port, "--pubsub-port", "0", "--data", Path.Combine(_data, "other"));
            var takenToo = await ChildProcess.RunAsync("serve", "--port", "0", "--pubsub-port", port, "--data", Path.Combine(_data, "other"));
            var shared = await ChildProcess.RunAsync("serve", "--port", "0", "--pubsub-port", "0", "--data", _data);

            Assert.Equal((1, 1), (taken.Code, shared.Code));
            Assert.Equal($"Port {port} is in use by another process: --port names another one, 0 any free one.\n", taken.Errors);
            Assert.Equal($"Port {port} is in use by another process: --pubsub-port names another one, 0 any free one.\n", takenToo.Errors);
            Assert.StartsWith("A server runs on this data folder already, http://127.0.0.1:", shared.Errors, StringComparison.Ordinal);
            Assert.All([taken, shared], run => Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        }
    }

    [Fact]
    public async Task A_kept_device_fetches_nothing_twice_and_goes_on_after_kill_9()
    {
        var state = Path.Combine(_data, "phone");
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", _data)).Output.Trim();
            await ChildProcess.RunAsync("push", "--generate", "60000", "--server", address.OriginalString, "--token", token);

            await using (var killed = ChildProcess.Start("sync", "--server", address.OriginalString, "--token", token, "--state", state))
            {
                // Killed as soon as a batch or two are on the disk for good, about 1 MB each: in the middle, or, on a fast machine, near the end.
                using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
                while (!File.Exists(Path.Combine(state, "device.db-wal")) || new FileInfo(Path.Combine(state, "device.db-wal")).Length < 3_000_000)
                    await tick.WaitForNextTickAsync(TestContext.Current.CancellationToken);
                await killed.KillAsync();
            }

            var resumed = await SyncAsync(address, token, "--state", state);
            var again = await SyncAsync(address, token, "--state", state);
            var fresh = await SyncAsync(address, token);

            Assert.InRange(resumed.GetProperty("events").GetInt32(), 1, 59_999);
            Assert.Equal(0, again.GetProperty("events").GetInt32());
            Assert.Equal(fresh.GetProperty("digest").GetString(), resumed.GetProperty("digest").GetString());
            Assert.Equal(fresh.GetProperty("digest").GetString(), again.GetProperty("digest").GetString());
        }
    }

    [Fact]
    public async Task An_upstream_without_a_path_is_warned_of_and_the_service_starts()
    {
        await using var pubSub = ChildProcess.Start("pubsub", "--port", "0", "--upstream", "http://127.0.0.1:9");
        await pubSub.WaitForErrorLineAsync("the functions take events at /webpubsub/events");
        await pubSub.ReadLinesAsync(1);
    }

    [Fact]
    public async Task Completion_offers_what_may_follow()
    {
        var script = await ChildProcess.RunAsync("completion", "bash");
        var commands = await ChildProcess.RunAsync("[suggest:2]", "se");
        var options = await ChildProcess.RunAsync("[suggest:8]", "sync --s");

        Assert.Contains("complete -o default -F _dequeue dequeue", script.Output, StringComparison.Ordinal);
        Assert.Contains("serve", commands.Output.Split('\n'));
        Assert.Contains("--state", options.Output.Split('\n'));
        Assert.DoesNotContain("--json", options.Output.Split('\n'));
    }

    [Fact]
    public async Task Check_finds_a_sound_log_and_erase_leaves_nothing()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", _data)).Output.Trim();
            await ChildProcess.RunAsync("push", "--generate", "1234", "--server", address.OriginalString, "--token", token);
            var check = await ChildProcess.RunAsync("check", "--user", "u", "--data", _data);
            var asked = await ChildProcess.RunAsync("erase", "--user", "u", "--data", _data);
            var still = await SyncAsync(address, token);
            var erase = await ChildProcess.RunAsync("erase", "--user", "u", "--data", _data, "--yes");
            var again = await ChildProcess.RunAsync("erase", "--user", "u", "--data", _data, "--yes");
            var gone = await SyncAsync(address, token);

            Assert.Equal(0, check.Code);
            Assert.Contains("1234 events in", check.Output, StringComparison.Ordinal);
            Assert.EndsWith(": sound\n", check.Output, StringComparison.Ordinal);
            Assert.Contains(still.GetProperty("digest").GetString()!, check.Output, StringComparison.Ordinal);
            Assert.Equal("1234 events would be erased; add --yes.\n", asked.Output);
            Assert.StartsWith("1234 events erased.\n", erase.Output, StringComparison.Ordinal);
            Assert.StartsWith("There is no log of user u in app dequeue.\n", again.Output, StringComparison.Ordinal);
            Assert.Equal((1_234, 0, 0), (still.GetProperty("events").GetInt32(), erase.Code, gone.GetProperty("events").GetInt32()));
        }
    }

    [Fact]
    public async Task A_log_that_is_not_there_is_said_to_be_absent_and_nothing_is_made()
    {
        var (absent, empty) = (Path.Combine(_data, "absent"), Path.Combine(_data, "empty"));
        string[][] commands = [["check", "--user", "nobody"], ["erase", "--user", "nobody"], ["erase", "--user", "nobody", "--yes"], ["backup", Path.Combine(_data, "b")]];
        foreach (var command in commands)
        {
            Assert.Equal(
                (1, "", $"There are no logs: {Path.Combine(absent, "events.db")} does not exist (--data, --storage).\n"),
                await ChildProcess.RunAsync([.. command, "--data", absent]));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_data));
        Directory.CreateDirectory(empty);
        await File.WriteAllBytesAsync(Path.Combine(empty, "events.db"), [], TestContext.Current.CancellationToken);
        const string sentence = "There is no log of user nobody in app dequeue.\n";
        Assert.Equal((1, "", sentence), await ChildProcess.RunAsync([.. commands[0], "--data", empty]));
        Assert.Equal((0, sentence, ""), await ChildProcess.RunAsync([.. commands[1], "--data", empty]));
    }

    [Theory]
    [InlineData("serve", "--port", "0", "--pubsub-port", "0")]
    [InlineData("token", "--user", "u")]
    public async Task A_data_folder_that_cannot_be_is_said_to_be_the_option(params string[] command)
    {
        var file = Path.Combine(_data, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        foreach (var impossible in new[] { file, Path.Combine(file, "below"), "/proc/dequeue" })
        {
            var run = await ChildProcess.RunAsync([.. command, "--data", impossible]);

            Assert.Equal(1, run.Code);
            Assert.StartsWith($"The data folder '{impossible}' cannot be made (--data): ", Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_server_logs_JSON_lines_when_told_so()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data, "--verbose", "--log-format", "json");
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", _data)).Output.Trim();
            await SyncAsync(address, token);
            await server.WaitForErrorLineAsync("complete");
            Assert.Equal(0, await server.TerminateAsync());

            var lines = server.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
            var complete = Assert.Single(lines, line => line.GetProperty("Message").GetString()!.Contains("complete", StringComparison.Ordinal));
            Assert.Equal("Information", complete.GetProperty("LogLevel").GetString());
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", complete.GetProperty("Timestamp").GetString());
            Assert.Equal("Dequeue.Functions.Streaming.StreamSteps", complete.GetProperty("Category").GetString());
        }
    }

    [Fact]
    public async Task Inspect_shows_a_logs_shape_and_last_events_and_no_payload()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", _data)).Output.Trim();
            var file = Path.Combine(_data, "events.jsonl");
            await File.WriteAllTextAsync(
                file, """{"id":"f1","ts":"2026-01-01T00:00:00Z","type":"note.kept","device_id":"phone\u001b[2J","payload":{"x":"secret"},"payload_version":2}""", TestContext.Current.CancellationToken);
            await ChildProcess.RunAsync("push", "--generate", "1200", "--server", address.OriginalString, "--token", token);
            await ChildProcess.RunAsync("push", "--file", file, "--server", address.OriginalString, "--token", token);
            var text = await ChildProcess.RunAsync("inspect", "--user", "u", "--last", "2", "--data", _data);
            var json = JsonDocument.Parse((await ChildProcess.RunAsync("inspect", "--user", "u", "--json", "--data", _data)).Output).RootElement;
            var nobody = await ChildProcess.RunAsync("inspect", "--user", "nobody", "--data", _data);
            var sync = await SyncAsync(address, token);

            Assert.Equal(0, text.Code);
            Assert.Contains("events  1,201, ", text.Output, StringComparison.Ordinal);
            Assert.Contains("note.kept  f1  phone\uFFFD[2J  2026-01-01T00:00:00Z", text.Output, StringComparison.Ordinal);
            Assert.Equal(5 + 2 + 2, text.Output.TrimEnd('\n').Split('\n').Length);
            Assert.DoesNotContain("secret", text.Output + json.GetRawText(), StringComparison.Ordinal);
            Assert.Equal((1_201, 10), (json.GetProperty("events").GetInt32(), json.GetProperty("lastEvents").GetArrayLength()));
            foreach (var name in new[] { "digest", "checkpoint" }) Assert.Equal(sync.GetProperty(name).GetString(), json.GetProperty(name).GetString());
            Assert.Equal((1, "There is no log of user nobody in app dequeue."), (nobody.Code, nobody.Errors.Trim()));
        }
    }

    [Fact]
    public async Task Watch_prints_what_was_missed_and_then_what_is_committed()
    {
        var (server, address) = await ChildProcess.ServeAsync(_data, "--verbose");
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", _data)).Output.Trim();
            string[] push = ["push", "--generate", "5", "--server", address.OriginalString, "--token", token, "--seed"];
            await ChildProcess.RunAsync([.. push, "1"]);
            await using var watch = ChildProcess.Start("watch", "--server", address.OriginalString, "--token", token);
            var missed = await watch.ReadLinesAsync(5);
            await ChildProcess.RunAsync([.. push, "2"]);
            var live = await watch.ReadLinesAsync(5);

            Assert.Equal(10, missed.Concat(live).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()).Distinct().Count());
            Assert.Equal(0, await watch.TerminateAsync());

            // The live socket has its token in the URL, and Web PubSub its own: neither is ever logged.
            Assert.Contains("Stream on", server.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain(token, server.Errors + watch.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("access_token", server.Errors + watch.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Watch_goes_on_into_a_file_and_past_what_stands_there()
    {
        var file = Path.Combine(_data, "watched.jsonl");
        await File.WriteAllTextAsync(file, "first\n", TestContext.Current.CancellationToken);
        var (server, address) = await ChildProcess.ServeAsync(_data);
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", _data)).Output.Trim();
            string[] push = ["push", "--generate", "5", "--server", address.OriginalString, "--token", token, "--seed"];
            await ChildProcess.RunAsync([.. push, "1"]);
            await using var watch = ChildProcess.StartProgram(
                new Dictionary<string, string>(), "bash", "-c", "exec dotnet \"$@\" >> \"$FILE\"".Replace("$FILE", file, StringComparison.Ordinal), "bash",
                typeof(CommandRunner).Assembly.Location, "watch", "--server", address.OriginalString, "--token", token);
            await OperationHost.UntilAsync(async () => (await File.ReadAllLinesAsync(file)).Length == 6);
            await ChildProcess.RunAsync([.. push, "2"]);
            await OperationHost.UntilAsync(async () => (await File.ReadAllLinesAsync(file)).Length == 11);
            Assert.Equal(0, await watch.TerminateAsync());
        }

        var lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        Assert.Equal("first", lines[0]);
        Assert.Equal(10, lines.Skip(1).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task The_note_of_a_server_that_was_killed_holds_up_none()
    {
        var (server, _) = await ChildProcess.ServeAsync(_data);
        await using (server) await server.KillAsync();

        Assert.NotNull(DataFolder.Open(_data).OperatorEndpoint);
        var (again, _) = await ChildProcess.ServeAsync(_data);
        await using (again) Assert.Equal(0, await again.TerminateAsync());
    }

    private static async Task<JsonElement> SyncAsync(Uri address, string token, params string[] more)
    {
        var (code, output, errors) = await ChildProcess.RunAsync(["sync", "--server", address.OriginalString, "--token", token, "--json", .. more]);
        Assert.True(code == 0, errors);
        return JsonDocument.Parse(output).RootElement;
    }
}
