using System.Net;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Commands;

/// <summary>What <c>dequeue push</c> says of a file that is not right, and of a server that is not there.</summary>
public sealed class PushCommandTests(Backend backend) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-push-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string EventFile => Path.Combine(_folder.FullName, "events.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_bad_line_is_named_and_the_push_goes_on_from_where_it_failed()
    {
        // The first 1,000 go as one body, before the bad line is read.
        string[] lines = ["", .. Enumerable.Range(1, 1_200).Select(Event), "  \t", "{\"id\":\"broken\"", Event(1_201)];
        await File.WriteAllLinesAsync(EventFile, lines, Cancelled);
        var token = backend.NewUser().Token;
        var failed = await PushAsync(token);
        Assert.Equal(
            (1, "", "Line 1203 of events.jsonl is no JSON object: it breaks off at byte 15. What is before line 1002 was pushed: --from-line 1002 goes on there.\n"), failed);

        lines[1202] = Event(0);
        await File.WriteAllLinesAsync(EventFile, lines, Cancelled);
        var mended = await PushAsync(token, "--from-line", "1002");
        var held = await ChildProcess.RunAsync("sync", "--server", backend.Address.AbsoluteUri, "--token", token, "--json");

        Assert.Equal(0, mended.Code);
        Assert.StartsWith("202 acknowledged, 0 rejected", mended.Output, StringComparison.Ordinal);
        Assert.Contains("\"events\":1202,", held.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1]", "Line 1 of events.jsonl is no JSON object: it begins otherwise. Nothing was pushed.\n")]
    [InlineData("{} {}", "Line 1 of events.jsonl is no JSON object: it breaks off at byte 4. Nothing was pushed.\n")]
    public async Task A_line_that_is_no_object_is_not_sent(string line, string says)
    {
        await File.WriteAllTextAsync(EventFile, line, Cancelled);
        Assert.Equal((1, "", says), await PushAsync(backend.NewUser().Token));
    }

    [Fact]
    public async Task A_line_to_go_on_from_that_is_beyond_the_last_one_is_said()
    {
        await File.WriteAllLinesAsync(EventFile, [Event(1), Event(2), ""], Cancelled);
        var token = backend.NewUser().Token;
        foreach (var line in new[] { "3", "9" })
            Assert.Equal((1, "", $"events.jsonl has no event from line {line} on (--from-line).\n"), await PushAsync(token, "--from-line", line));
    }

    [Fact]
    public async Task A_refused_event_is_named_by_its_line()
    {
        await File.WriteAllLinesAsync(EventFile, [Event(1), "", Event(2).Replace("2026", "year", StringComparison.Ordinal)], Cancelled);
        var (code, output, errors) = await PushAsync(backend.NewUser().Token);

        Assert.Equal(1, code);
        Assert.StartsWith("1 acknowledged, 1 rejected", output, StringComparison.Ordinal);
        Assert.Equal("line 3, event-2: ts is an RFC 3339 date-time.\n", errors);
    }

    [Theory]
    [InlineData(1, "There is no file", "--file", "/nowhere/events.jsonl")]
    [InlineData(2, "push wants either --file F.jsonl or --generate N.", "--file", "/nowhere/events.jsonl", "--generate", "3")]
    [InlineData(2, "push wants either --file F.jsonl or --generate N.")]
    [InlineData(2, "--from-line belongs to --file.", "--generate", "1", "--from-line", "2")]
    [InlineData(2, "--from-line is 1 or more.", "--file", "/nowhere/events.jsonl", "--from-line", "0")]
    [InlineData(2, "--generate is 0 or more.", "--generate", "-1")]
    public async Task What_cannot_be_pushed_is_refused_before_the_server_is_asked(int code, string says, params string[] arguments)
    {
        var run = await ChildProcess.RunAsync(["push", "--token", "t", .. arguments]);

        Assert.Equal(code, run.Code);
        Assert.StartsWith(says, Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("push", "--generate", "1")]
    [InlineData("sync")]
    public async Task That_no_server_answers_is_said_at_once(params string[] command)
    {
        // A device tries for a minute and more; the sentence comes from the first look.
        var (code, _, errors) = await ChildProcess.RunAsync([.. command, "--server", $"http://{IPAddress.Loopback}:9", "--token", "t"]);

        Assert.Equal((1, "No server answers at http://127.0.0.1:9 (--server): `dequeue serve` starts one.\n"), (code, errors));
    }

    [Fact]
    public async Task A_watch_says_that_no_server_answers_and_waits_for_it()
    {
        await using var watch = ChildProcess.Start("watch", "--server", "http://127.0.0.1:9", "--token", "t");

        await watch.WaitForErrorLineAsync("No server answers at http://127.0.0.1:9 (--server): `dequeue serve` starts one. Waiting for it.");
        Assert.False(watch.HasEnded);
    }

    private async Task<(int Code, string Output, string Errors)> PushAsync(string token, params string[] more)
    {
        var run = await ChildProcess.RunAsync(["push", "--file", EventFile, "--server", backend.Address.AbsoluteUri, "--token", token, .. more]);

        // The progress, which is not a terminal's here, comes before what went wrong.
        return run with { Errors = string.Concat(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith("Push: ", StringComparison.Ordinal)).Select(line => line + "\n")) };
    }

    private static string Event(int i) => $$$"""{"id":"event-{{{i}}}","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""";
}
