using System.Globalization;
using System.Net;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Commands;

/// <summary><c>dequeue demo</c>: what it proves and says, its link, and its end.</summary>
public sealed class DemoTests : IDisposable
{
    private static readonly string[] Ports = ["--port", "0", "--pubsub-port", "0"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-demo-test-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_demo_proves_that_every_device_holds_the_pushed_history_and_compares_with_the_largest_pages_first()
    {
        var (code, output, _) = await ChildProcess.RunAsync(["demo", "--events", "3000", "--exit", .. Ports]);

        Assert.Equal(0, code);
        Assert.Contains("Every device holds the pushed history", output, StringComparison.Ordinal);
        Assert.Equal(5, output.Split("✓ equal").Length - 1);
        Assert.Equal(1, output.Split(" matter ").Length - 1);
        string[] rows = ["loopback, stream", "loopback, pages of 1,000", "phone link, stream", "phone link, pages of 1,000", "phone link, pages of 100", "phone link, compact"];
        var table = output.Split('\n').Where(line => line.StartsWith("│ ", StringComparison.Ordinal)).Select(line => line.Split('│', StringSplitOptions.TrimEntries)).Skip(1).ToDictionary(cells => cells[1], cells => cells[2]);
        Assert.Equal(rows, table.Keys);
        Assert.All(output.Split('\n'), line => Assert.InRange(line.Length, 0, 80));

        // The headline says what the table says.
        var (stream, largest, usual) = (Seconds(rows[2]), Seconds(rows[3]), Seconds(rows[4]));
        var said = output.Split('\n').Single(line => line.StartsWith("There the stream is ", StringComparison.Ordinal)).Split(' ');
        Assert.Equal(largest / stream, double.Parse(said[4], CultureInfo.InvariantCulture), 0.2);
        Assert.Equal(usual / stream, double.Parse(said[12], CultureInfo.InvariantCulture), 0.5);

        double Seconds(string row) => double.Parse(table[row].TrimEnd('s', ' '), CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task The_page_is_opened_by_a_link_that_is_short_and_where_no_browser_is_a_sentence_says_so(int fails)
    {
        var (opener, opened) = (Path.Combine(_folder.FullName, "xdg-open"), Path.Combine(_folder.FullName, "opened"));
        await File.WriteAllTextAsync(opener, $"#!/bin/sh\nprintf %s \"$1\" > '{opened}'\nexit {fails}\n", Cancelled);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(opener, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await using var demo = ChildProcess.Start(
            new Dictionary<string, string> { ["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}" }, ["demo", "--events", "10", "--open", .. Ports]);
        var line = await demo.ReadLineWithAsync("See it in a browser: ");
        var link = new Uri(line.Split(' ')[^1]);
        await demo.ReadLineWithAsync("Running.");
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var answer = await http.GetAsync(link, Cancelled);
        using var other = await http.GetAsync(new Uri(link, "/demo/0000000000"), Cancelled);

        Assert.Equal(link.AbsoluteUri, await File.ReadAllTextAsync(opened, Cancelled));
        Assert.InRange(line.Length, 1, 80);
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.StartsWith("/#token=ey", answer.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.Equal(fails == 0 ? "" : "No browser could be opened here (xdg-open ended with 3): follow the link by hand.\n", demo.Errors.ReplaceLineEndings("\n").TrimStart('\n'));
        Assert.Equal(0, await demo.InterruptAsync(Guard.Time));
    }

    [Theory]
    [InlineData("Starting", 130)]
    [InlineData("serves at", 130)]
    [InlineData("A first device pushes: ", 130)]
    [InlineData("A new device, stream: ", 130)]
    [InlineData("A new phone, REST: ", 130)]
    [InlineData("Running.", 0)]
    public async Task Ctrl_C_ends_it_at_any_time_and_nothing_is_left(string at, int code)
    {
        await using var demo = ChildProcess.Start(
            new Dictionary<string, string> { ["TMPDIR"] = _folder.FullName, ["DOTNET_EnableDiagnostics"] = "0" }, ["demo", "--events", at == "Running." ? "10" : "5000", .. Ports]);
        await demo.ReadLineWithAsync(at);

        // As a terminal does it: to the functions' process, too.
        var children = demo.Children();
        Assert.Equal(code, await demo.InterruptAsync(Guard.Time, children));

        Assert.All(children, child => Assert.False(Directory.Exists($"/proc/{child}")));
        Assert.Empty(_folder.EnumerateFileSystemInfos());
        Assert.Empty(demo.Errors.Trim());
    }
}
