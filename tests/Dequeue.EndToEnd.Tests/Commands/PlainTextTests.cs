using System.Text;
using System.Text.Json;
using Dequeue.Cli.Terminal;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Commands;

/// <summary>A terminal obeys nothing that a server or an event says.</summary>
public sealed class PlainTextTests(Backend backend)
{
    private const string Evil = "\u001b]0;owned\u0007\u001b[2J\u009b31mred\u0090q\u007f";

    [Fact]
    public void Control_characters_are_replaced_and_a_sentence_stays_one_line()
    {
        Assert.Equal("\uFFFD]0;owned\uFFFD\uFFFD[2J\uFFFD31mred\uFFFDq\uFFFD", PlainText.Of(Evil));
        Assert.Equal("a b c", PlainText.Of("a\r\nb\u2028c"));
        Assert.Equal("zo\u00EB \uD83D\uDE00", PlainText.Of("zo\u00EB \uD83D\uDE00"));
    }

    [Fact]
    public void An_event_in_one_line_means_the_same_without_control_characters()
    {
        var json = Encoding.UTF8.GetBytes("{\"x\":\"a\u009b31m\u007fb\u00A0\u00EB\"}");
        var plain = PlainText.OfJson(json);
        Assert.DoesNotContain(Encoding.UTF8.GetString(plain.Span), char.IsControl);
        Assert.Equal("a\u009b31m\u007fb\u00A0\u00EB", JsonDocument.Parse(plain).RootElement.GetProperty("x").GetString());
        var harmless = Encoding.UTF8.GetBytes("{\"x\":\"\u00A9\"}");
        Assert.Equal(harmless, PlainText.OfJson(harmless).ToArray());
    }

    [Fact]
    public async Task What_a_server_says_of_an_event_reaches_the_terminal_without_control_characters()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            file, JsonSerializer.Serialize(new { id = Evil, ts = "2026-01-01T00:00:00Z", type = "t", payload = new { }, payload_version = 2 }) + "\n", TestContext.Current.CancellationToken);
        var push = await ChildProcess.RunAsync("push", "--file", file, "--server", backend.Address.OriginalString, "--token", backend.NewUser().Token);
        File.Delete(file);

        Assert.Equal(1, push.Code);
        Assert.Contains("owned", push.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(push.Errors + push.Output, c => char.IsControl(c) && c is not ('\n' or '\r'));
    }
}
