using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dequeue.Contracts.Events;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Clients;

/// <summary>The client for JavaScript in Node: its scripts under tests/node/client. The page's tests have it in Chromium.</summary>
public sealed class JavaScriptClientTests(Backend backend, ITestOutputHelper output)
{
    [Fact]
    public async Task It_does_and_holds_what_the_scripted_conversations_say()
    {
        var folder = Path.Combine(NodeTools.Folder, "..", "conversations");
        var conversations = Directory.GetFiles(folder, "*.json")
            .Sum(static file => JsonElement.Parse(File.ReadAllBytes(file)).GetProperty("conversations").GetArrayLength());
        Assert.Equal(conversations, await PassedAsync("client/conversations.test.mjs"));
    }

    [Fact]
    public async Task Its_stores_do_what_every_store_must() => Assert.InRange(await PassedAsync("client/stores.test.mjs"), 13, 100);

    [Fact]
    public async Task Its_package_is_small_typed_and_keeps_ten_thousand_events_whole()
    {
        const int Events = 10_000;
        var user = backend.NewUser();
        using var digest = new EventDigest();
        foreach (var json in await user.PushHistoryAsync(Events)) digest.Append(json);
        var passed = await PassedAsync("client/package.test.mjs", backend.Address.AbsoluteUri, user.Token, $"{Events}", digest.ToString());
        Assert.Equal(11, passed);
    }

    // All of them, none skipped: node:test ends well with those too.
    private async Task<int> PassedAsync(string script, params string[] arguments)
    {
        var printed = await NodeTools.RunAsync(script, arguments, TestContext.Current.CancellationToken);
        foreach (var line in printed.Split('\n').Where(static line => line.StartsWith('{') || line.Contains(" events by ", StringComparison.Ordinal)))
            output.WriteLine(line);
        Assert.Equal((0, 0), (Count("fail"), Count("skipped")));
        return Count("pass");

        int Count(string what)
            => int.Parse(Regex.Match(printed, @$"^\W+ {what} (\d+)\r?$", RegexOptions.Multiline).Groups[1].Value, CultureInfo.InvariantCulture);
    }
}
