using System.Text;
using System.Threading.Channels;
using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Dequeue.Contracts;
using Dequeue.Functions.Live;
using Dequeue.Storage;
using Dequeue.Sync.Log;
using Dequeue.Sync.Pushing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Live;

/// <summary>How often Web PubSub is asked and called for a push: its calls are the narrowest thing in the cloud.</summary>
public sealed class LivePublisherTests : IAsyncLifetime
{
    private static readonly LogKey Ada = new(AppId.Parse("dequeue"), UserId.Parse("ada"));
    private static readonly LogKey Bob = new(AppId.Parse("dequeue"), UserId.Parse("bob"));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-live-");
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly CountingService _service = new();
    private readonly CancellationTokenSource _patience = new(Guard.Time); // for a call that does not come
    private EventLog _events = null!;
    private LivePublisher _publisher = null!;
    private AbsentUsers _absent = null!;
    private int _pushed;

    public async ValueTask InitializeAsync()
    {
        _events = new EventLog(EventLogStorage.Open("sqlite:" + Path.Combine(_folder.FullName, "events.db")), _clock, NullLogger<EventLog>.Instance);
        _absent = new AbsentUsers(_clock);
        _publisher = new LivePublisher(_service, _absent, NullLogger<LivePublisher>.Instance);
        await _publisher.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _publisher.StopAsync(CancellationToken.None);
        _publisher.Dispose();
        _patience.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_user_without_any_connection_is_asked_about_once_in_seconds_however_many_pushes_come()
    {
        for (var i = 0; i < 5; i++) await PushAsync(Ada, 3);
        await PushAsync(Bob, 1);
        Assert.Equal(["user dequeue:ada", "user dequeue:bob"], await CallsUntilAsync("user dequeue:bob"));

        _clock.Advance(AbsentUsers.Memory);
        await PushAsync(Ada, 1);
        Assert.Equal(["user dequeue:ada"], await CallsUntilAsync("user dequeue:ada"));
    }

    [Fact]
    public async Task A_small_push_of_a_connected_user_asks_one_question_and_is_sent()
    {
        _service.Present.Add("dequeue:ada");
        await PushAsync(Ada, 2);
        var calls = await CallsAsync(5);

        Assert.Equal("user dequeue:ada", calls[0]);
        Assert.Equal(
            ["send live.dequeue:ada", "send live.dequeue:ada", "send tail-json.dequeue:ada", "send tail.dequeue:ada"],
            calls.Skip(1).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_events_of_a_larger_push_are_not_sent_into_groups_that_are_empty()
    {
        _service.Present.Add("dequeue:ada");
        _service.Present.Add("tail.dequeue:ada");
        await PushAsync(Ada, 5);
        var calls = await CallsAsync(5);
        await PushAsync(Bob, 1);

        Assert.Equal(
            ["group live.dequeue:ada", "group tail-json.dequeue:ada", "group tail.dequeue:ada", "send tail.dequeue:ada", "user dequeue:ada"],
            calls.Order(StringComparer.Ordinal));
        Assert.Equal(["user dequeue:bob"], await CallsUntilAsync("user dequeue:bob"));
    }

    [Fact]
    public async Task A_device_that_connects_is_told_of_the_next_push_at_once()
    {
        await PushAsync(Ada, 1);
        Assert.Equal(["user dequeue:ada"], await CallsUntilAsync("user dequeue:ada"));
        _absent.Expect(Ada);
        _service.Present.Add("dequeue:ada");
        await PushAsync(Ada, 1);

        Assert.Contains("send tail.dequeue:ada", await CallsAsync(4));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task PushAsync(LogKey log, int count)
    {
        var events = Enumerable.Range(0, count).Select(_ => $$$"""{"id":"e-{{{_pushed++}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":1}""");
        var push = (ReceivedPush.Valid)ReceivedPush.Read(Encoding.UTF8.GetBytes($$"""{"events":[{{string.Join(',', events)}}]}"""), log.User);
        foreach (var page in (await _events.AppendAsync(log, push.Events, Cancel)).Committed) _publisher.Publish(log, new CommittedEvents(null, page));
    }

    private async Task<List<string>> CallsAsync(int count)
    {
        var calls = new List<string>();
        while (calls.Count < count) calls.Add(await _service.Calls.ReadAsync(_patience.Token));
        return calls;
    }

    // A lane works off one log in order, and both users may be in different ones: the last call of the last push is awaited by name.
    private async Task<List<string>> CallsUntilAsync(string last)
    {
        var calls = new List<string>();
        while (calls.LastOrDefault() != last) calls.Add(await _service.Calls.ReadAsync(_patience.Token));
        return calls;
    }

    /// <summary>Writes down each call, and knows who is there.</summary>
    private sealed class CountingService : WebPubSubServiceClient
    {
        private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();

        public HashSet<string> Present { get; } = [];

        public ChannelReader<string> Calls => _calls.Reader;

        public override Task<Response<bool>> UserExistsAsync(string userId, RequestContext? context = null) => Answer("user", userId);

        public override Task<Response<bool>> GroupExistsAsync(string group, RequestContext? context = null) => Answer("group", group);

        public override Task<Response> SendToGroupAsync(
            string group, RequestContent content, ContentType contentType, IEnumerable<string>? excluded = null, string? filter = null, RequestContext? context = null)
        {
            _calls.Writer.TryWrite("send " + group);
            return Task.FromResult<Response>(null!);
        }

        private Task<Response<bool>> Answer(string kind, string name)
        {
            _calls.Writer.TryWrite($"{kind} {name}");
            return Task.FromResult(Response.FromValue(Present.Contains(name), null!));
        }
    }
}
