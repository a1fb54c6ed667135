using System.Text;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Tests.Conversations;

/// <summary>The scripted conversations that every client of the protocol must hold, played with this one.</summary>
public sealed class ConversationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<string, string> Played
        => [.. Conversation.All().Select(static one => new TheoryDataRow<string, string>(one.File, one.Name))];

    [Theory]
    [MemberData(nameof(Played))]
    public async Task The_client_does_and_holds_what_it_must(string file, string name)
    {
        var conversation = Conversation.All().Single(one => one.File == file && one.Name == name);
        await using var server = await ConversationServer.StartAsync(conversation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(Patience);
        var store = await StoreAsync(conversation);
        var phases = new Phases();
        using var sync = new SyncManager(OptionsOf(conversation.Part("options"), server.Address), store, Tokens(conversation), random: new Middle());
        var playing = PlayAsync(server, stop);
        var (result, handed, failure) = (null as object, new List<string>(), null as Exception);
        foreach (var what in conversation.Names("do").DefaultIfEmpty("pull"))
        {
            failure = null;
            try
            {
                if (what == "pull") result = await sync.PullAsync(phases, stop.Token);
                else if (what == "push") result = await sync.PushAsync(Pushed(conversation), cancellationToken: stop.Token);
                else if (what == "enqueue") await sync.EnqueueAsync([.. Pushed(conversation)], stop.Token);
                else if (what == "flush") result = await sync.FlushAsync(cancellationToken: stop.Token);
                else if (what == "beginAnew") await sync.BeginAnewAsync(stop.Token);
                else if (what == "watch") await WatchAsync(sync, conversation, playing, handed, stop.Token);
                else throw new InvalidOperationException($"Nothing is called {what}.");
            }
            catch (Exception e) when (e is SyncFailedException or ArgumentException or OperationCanceledException)
            {
                failure = e;
            }
        }

        await playing;
        AssertFailure(conversation, failure);
        foreach (var field in conversation.Part("result").EnumerateObject())
            Assert.Equal($"{field.Name} {field.Value.GetRawText()}", $"{field.Name} {Read(result!, field.Name)}");
        Assert.Subset(phases.Seen, conversation.Names("phases").ToHashSet());
        if (conversation.Has("hands"))
            Assert.Equal(conversation.Names("hands").Select(conversation.Event).Select(Encoding.UTF8.GetString), handed);
        await AssertHoldsAsync(conversation, store);
        server.AssertQuiet();
    }

    // All but those that take a thousand messages or events.
    [Fact]
    public void The_conversations_go_through_the_state_table()
    {
        var rows = Conversation.All().SelectMany(static one => one.Rows).ToHashSet();
        int[] pulling = [.. Enumerable.Range(1, 54).Except([14, 30])];
        var others = Rows('L', Enumerable.Range(1, 10)).Concat(Rows('Q', Enumerable.Range(1, 6)));
        Assert.Superset(Rows('P', pulling).Concat(others).ToHashSet(), rows);
    }

    private static IEnumerable<string> Rows(char table, IEnumerable<int> numbers) => numbers.Select(number => $"{table}{number}");

    // A server that meets what it must not ends the client's call, or both would wait.
    private static async Task PlayAsync(ConversationServer server, CancellationTokenSource stop)
    {
        try
        {
            await server.RunAsync(stop.Token);
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private static async Task WatchAsync(
        SyncManager sync, Conversation conversation, Task playing, List<string> handed, CancellationToken cancellationToken)
    {
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var (wanted, isPlayed) = (conversation.Names("hands").Count(), false);
        var played = playing.ContinueWith(
            done =>
            {
                if (done.IsFaulted) return;
                lock (handed) isPlayed = true;
                LeaveWhenDone();
            },
            cancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
        var events = conversation.Has("consumer")
            ? sync.WatchAsync(conversation.Part("consumer").GetString()!, leave.Token)
            : sync.WatchAsync(leave.Token);
        try
        {
            await foreach (var next in events)
            {
                lock (handed) handed.Add(Encoding.UTF8.GetString(next.Json.Span));
                LeaveWhenDone();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // All of it was handed out.
        }

        await played;

        void LeaveWhenDone()
        {
            bool isDone;
            lock (handed) isDone = isPlayed && handed.Count >= wanted && !conversation.Has("fails");
            if (isDone) leave.Cancel();
        }
    }

    private static async Task<InMemoryEventStore> StoreAsync(Conversation conversation)
    {
        var (store, before, reader) = (new InMemoryEventStore(), conversation.Part("store"), new SyncEventReader());
        if (before.TryGetProperty("checkpoint", out var text))
        {
            Assert.True(Checkpoint.TryParse(text.GetString(), out var checkpoint));
            var events = conversation.Events(before.GetProperty("events")).Select(json => reader.Read(json));
            var position = before.TryGetProperty("position", out var number) ? number.GetInt64() : (long?)null;
            var mark = new LogMark(before.TryGetProperty("epoch", out var epoch) ? epoch.GetString() : null, position);
            await store.SaveAsync([.. events], checkpoint, mark, CancellationToken.None);
        }

        if (before.TryGetProperty("queue", out var queue))
            await store.EnqueueAsync([.. conversation.Events(queue).Select(json => reader.Read(json))], CancellationToken.None);
        return store;
    }

    private static SyncOptions OptionsOf(JsonElement json, Uri server)
    {
        var options = new SyncOptions { Server = server, BaseDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(5) };
        foreach (var option in json.ValueKind == JsonValueKind.Object ? json.EnumerateObject() : default)
        {
            var value = option.Value;
            options = option.Name switch
            {
                "stream" => options with { Stream = value.GetBoolean() ? StreamEndpoint.Negotiated : StreamEndpoint.None },
                "window" => options with { Window = value.GetInt32() },
                "encodings" => options with { Encodings = [.. value.EnumerateArray().Select(static one => one.GetString()!)] },
                "filter" => options with { Filter = Enum.Parse<EventFilter>(value.GetString()!, ignoreCase: true) },
                "deviceId" => options with { DeviceId = value.GetString() },
                "delta" => options with { Delta = value.GetBoolean() },
                "references" => options with { References = value.GetBoolean() },
                "priority" => options with { Priority = PriorityOf(value) },
                "compact" => options with { Compact = CompactOf(value) },
                "maxAttempts" => options with { MaxAttempts = value.GetInt32() },
                "idleTimeout" => options with { IdleTimeout = Milliseconds(value) },
                "catchUpInterval" => options with { CatchUpInterval = Milliseconds(value) },
                "pollInterval" => options with { PollInterval = Milliseconds(value) },
                "maxPollInterval" => options with { MaxPollInterval = Milliseconds(value) },
                "streamRetryInterval" => options with { StreamRetryInterval = Milliseconds(value) },
                "baseDelay" => options with { BaseDelay = Milliseconds(value) },
                "maxDelay" => options with { MaxDelay = Milliseconds(value) },
                _ => throw new InvalidOperationException($"No option is called {option.Name}."),
            };
        }

        return options;
    }

    private static StreamCompact CompactOf(JsonElement value)
        => new() { Keep = [.. value.GetProperty("keep").EnumerateArray().Select(static type => type.GetString()!)] };

    private static StreamPriority PriorityOf(JsonElement value)
        => new(
            value.TryGetProperty("entityIds", out var ids) ? [.. ids.EnumerateArray().Select(static id => id.GetString()!)] : [],
            value.TryGetProperty("active", out var active) && active.GetBoolean());

    private static TimeSpan Milliseconds(JsonElement value) => TimeSpan.FromMilliseconds(value.GetInt32());

    private static TokenProvider Tokens(Conversation conversation)
    {
        var (tokens, place) = (conversation.Names("tokens").DefaultIfEmpty("token").ToArray(), 0);
        return (refused, _) => ValueTask.FromResult(tokens[refused ? ++place : place]);
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Pushed(Conversation conversation)
        => conversation.Names("pushes").Select(name => (ReadOnlyMemory<byte>)conversation.Event(name));

    private static void AssertFailure(Conversation conversation, Exception? failure)
    {
        if (conversation.Has("throws"))
        {
            var thrown = Assert.IsType<ArgumentException>(failure, exactMatch: false);
            Assert.Contains(conversation.Part("throws").GetString()!, thrown.Message, StringComparison.Ordinal);
            return;
        }

        if (!conversation.Has("fails"))
        {
            Assert.Null(failure);
            return;
        }

        var (fails, actual) = (conversation.Part("fails"), Assert.IsType<SyncFailedException>(failure).Failure);
        Assert.Equal(fails.GetProperty("kind").GetString(), Camel(actual.Kind));
        if (fails.TryGetProperty("code", out var code)) Assert.Equal(code.GetString(), actual.Code);
        if (fails.TryGetProperty("epoch", out var epoch)) Assert.Equal(epoch.GetString(), actual.LogEpoch);
    }

    // As it would stand in the file.
    private static string Read(object result, string field)
        => JsonSerializer.Serialize<object?>((result, field) switch
        {
            (SyncResult pull, "transport") => Camel(pull.Transport),
            (SyncResult pull, "events") => pull.Events,
            (SyncResult pull, "added") => pull.Added,
            (SyncResult pull, "resumes") => pull.Resumes,
            (SyncResult pull, "repaired") => pull.Repaired,
            (SyncResult pull, "pushedAgain") => pull.PushedAgain,
            (SyncResult pull, "historyEvents") => pull.HistoryEvents,
            (SyncResult pull, "requeued") => pull.Requeued,
            (SyncResult pull, "digestVerified") => pull.DigestVerified,
            (SyncResult pull, "ready") => pull.ReadySeconds is not null,
            (SyncResult pull, "streamFailure") => pull.StreamFailure is { } failure ? Camel(failure.Kind) : null,
            (PushResult push, "acknowledged") => push.Acknowledged,
            (PushResult push, "rejected") => push.Rejected.Select(static one => one.Id),
            (FlushResult flush, "acknowledged") => flush.Acknowledged,
            (FlushResult flush, "rejected") => flush.Rejected.Select(static one => one.Id),
            (FlushResult flush, "pending") => flush.Pending,
            (FlushResult flush, "failure") => flush.Failure is { } failure ? Camel(failure.Kind) : null,
            _ => throw new InvalidOperationException($"{result.GetType().Name} has no {field}."),
        });

    private static string Camel<T>(T value)
        where T : struct, Enum
        => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    private static async Task AssertHoldsAsync(Conversation conversation, InMemoryEventStore store)
    {
        foreach (var field in conversation.Part("holds").EnumerateObject())
        {
            switch (field.Name)
            {
                case "checkpoint":
                    Assert.Equal(field.Value.GetString(), (await store.LoadAsync(CancellationToken.None)).Checkpoint.ToString());
                    break;
                case "epoch":
                    Assert.Equal(field.Value.GetString(), (await store.LoadMarkAsync(CancellationToken.None)).Epoch);
                    break;
                case "position":
                    var position = field.Value.ValueKind == JsonValueKind.Null ? (long?)null : field.Value.GetInt64();
                    Assert.Equal(position, (await store.LoadMarkAsync(CancellationToken.None)).Position);
                    break;
                case "events":
                    AssertSame(conversation.Events(field.Value), store.Events);
                    break;
                case "queue":
                    AssertSame(conversation.Events(field.Value), (await store.PeekAsync(1000, CancellationToken.None)).Select(static one => one.Json));
                    break;
                case "refused":
                    AssertSame(conversation.Events(field.Value), (await store.RefusedAsync(CancellationToken.None)).Select(static one => one.Json));
                    break;
                default:
                    throw new InvalidOperationException($"No store holds {field.Name}.");
            }
        }
    }

    private static void AssertSame(IEnumerable<byte[]> expected, IEnumerable<ReadOnlyMemory<byte>> actual)
        => Assert.Equal(expected.Select(Encoding.UTF8.GetString), actual.Select(static json => Encoding.UTF8.GetString(json.Span)));

    private sealed class Phases : IProgress<SyncProgress>
    {
        public HashSet<string> Seen { get; } = [];

        public void Report(SyncProgress value) => Seen.Add(Camel(value.Phase));
    }

    /// <summary>Waits are in the middle of their range, always.</summary>
    private sealed class Middle : Random
    {
        public override double NextDouble() => 0.5;
    }
}
