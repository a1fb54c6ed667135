using System.Text;
using System.Text.Json;
using Dequeue.Contracts.Events;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;

namespace Dequeue.Site.Tests;

/// <summary>A server of one stream that a test plays itself, in the words of docs/protocol.md.</summary>
internal sealed class StreamScript
{
    private readonly IWebSocketRoute _socket;

    private StreamScript(IWebSocketRoute socket, JsonElement request) => (_socket, Request) = (socket, request);

    /// <summary>What the page asked for.</summary>
    public JsonElement Request { get; }

    /// <summary>Gets the last batch that the page acknowledged.</summary>
    public Action<int> OnAck { get; set; } = _ => { };

    /// <summary>Plays each stream that the page asks for from now on.</summary>
    public static Task PlayAsync(IPage page, Action<StreamScript> play)
        => page.RouteWebSocketAsync("**/client/hubs/**", socket =>
        {
            StreamScript? script = null;
            socket.OnMessage(frame =>
            {
                var message = JsonDocument.Parse(frame.Binary!).RootElement;
                if (message.GetProperty("type").GetString() == "sync.stream.ack") script!.OnAck(message.GetProperty("batchIndex").GetInt32());
                else play(script = new StreamScript(socket, message));
            });
        });

    /// <summary>Someone with a history who has all options but compression switched on.</summary>
    public static async Task<Visitor> VisitAsync(Backend backend, Browser browser, TestUser user, Action<StreamScript> play)
    {
        var visitor = await browser.VisitAsync(backend.Address, offersReferences: true);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        await PlayAsync(visitor.Page, play);
        foreach (var label in new[] { "Compressed batches", "Active stack first", "Deltas", "By reference" }) await visitor.Page.GetByText(label, new() { Exact = true }).ClickAsync();
        await visitor.PressAsync("Sync a fresh device");
        return visitor;
    }

    public void Start(int totalEvents) => Send($$"""{"type":"sync.stream.start","totalEvents":{{totalEvents}}}""");

    public void Batch(int index, IEnumerable<string> events, string checkpoint, bool isLast = false, string more = "")
        => Send($$"""{"type":"sync.stream.batch","batchIndex":{{index}},"isLast":{{(isLast ? "true" : "false")}},"checkpoint":"{{checkpoint}}",{{more}}"events":[{{string.Join(',', events)}}]}""");

    public void Ready(int processedEvents) => Send($$"""{"type":"sync.stream.ready","processedEvents":{{processedEvents}}}""");

    public void Complete(int processedEvents, string checkpoint, string digest)
        => Send($$"""{"type":"sync.stream.complete","processedEvents":{{processedEvents}},"newCheckpoint":"{{checkpoint}}","digest":"{{digest}}"}""");

    public void Send(string message) => _socket.Send(Encoding.UTF8.GetBytes(message));

    public static string DigestOf(IEnumerable<string> events)
    {
        using var digest = new EventDigest();
        foreach (var json in events) digest.Append(Encoding.UTF8.GetBytes(json));
        return digest.ToString();
    }
}
