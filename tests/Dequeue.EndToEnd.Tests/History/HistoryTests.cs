using System.Text;
using Dequeue.Client;
using Dequeue.Client.Sqlite;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.History;

/// <summary>A device and a server that is put back, erased, or another user's: the .NET client against the real server.</summary>
public sealed class HistoryTests(HistoryBackend backend) : IClassFixture<HistoryBackend>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StreamEndpoint.Negotiated)]
    [InlineData(StreamEndpoint.Gateway)]
    [InlineData(StreamEndpoint.None)]
    public async Task A_server_that_was_put_back_is_healed_by_the_device(StreamEndpoint stream)
    {
        var user = backend.Backend.NewUser();
        await user.PushHistoryAsync(2_100);
        var backup = await backend.BackUpAsync($"{stream}.backup");
        await PushAsync(user, user.Generate(2_150).Skip(2_100));
        await using var store = await SqliteEventStore.OpenAsync(Path.Combine(backend.Backend.Folder, $"{stream}.db"), Stop);
        using var device = backend.Device(user, store, stream);
        var changes = new List<HistoryChange>();
        device.HistoryChanged += (_, change) => changes.Add(change);
        await device.PullAsync(cancellationToken: Stop);
        Assert.Equal(2_150, (await store.LoadAsync(Stop)).Events);

        await backend.RestoreAsync(backup);
        await PushAsync(user, user.Generate(10, seed: 9));
        var result = await device.PullAsync(cancellationToken: Stop);

        Assert.Equal((50, null), (result.PushedAgain, result.StreamFailure));
        Assert.Equal([new HistoryChange(50, null)], changes);
        Assert.Equal((2_160, await DigestAsync(store)), await backend.LogAsync(user));

        // Nothing is left to heal, and another device gets the same.
        Assert.Null((await device.PullAsync(cancellationToken: Stop)).PushedAgain);
        var other = new InMemoryEventStore();
        using var second = backend.Device(user, other, stream);
        await second.PullAsync(cancellationToken: Stop);
        Assert.Equal((2_160, other.Digest()), await backend.LogAsync(user));
    }

    [Theory]
    [InlineData(StreamEndpoint.Negotiated)]
    [InlineData(StreamEndpoint.None)]
    public async Task A_device_that_has_only_what_still_matters_gives_that_back(StreamEndpoint stream)
    {
        var user = backend.Backend.NewUser();
        await user.PushHistoryAsync(1_200);
        var backup = await backend.BackUpAsync($"compact-{stream}.backup");
        await PushAsync(user, user.Generate(1_250).Skip(1_200));
        var store = new InMemoryEventStore();
        using var device = backend.Device(user, store, stream, new StreamCompact());
        await device.PullAsync(cancellationToken: Stop);
        var reader = new SyncEventReader();
        var lost = user.Generate(1_250).Skip(1_200).Count(json => store.Contains(reader.Read(json).Id!));
        Assert.InRange(lost, 1, 50);
        Assert.InRange(store.Events.Count, lost + 1, 1_249);

        await backend.RestoreAsync(backup);
        var result = await device.PullAsync(cancellationToken: Stop);

        Assert.Equal((lost, null), (result.PushedAgain, result.StreamFailure));
        Assert.Equal(1_200 + lost, (await backend.LogAsync(user)).Events);
        var other = new InMemoryEventStore();
        using var second = backend.Device(user, other, stream, new StreamCompact());
        await second.PullAsync(cancellationToken: Stop);
        Assert.Equal(other.Digest(), store.Digest());
        Assert.Null((await device.PullAsync(cancellationToken: Stop)).PushedAgain);
    }

    [Fact]
    public async Task What_was_acknowledged_and_lost_before_the_device_pulled_it_is_pushed_again()
    {
        var user = backend.Backend.NewUser();
        await user.PushHistoryAsync(5);
        var (store, events) = (new InMemoryEventStore(), user.Generate(8, seed: 3));
        using var device = backend.Device(user, store);
        await device.PullAsync(cancellationToken: Stop);
        var backup = await backend.BackUpAsync("lost.backup");
        await device.EnqueueAsync([.. events.Select(json => (ReadOnlyMemory<byte>)json)], Stop);
        Assert.Equal((8, 0), ((int)(await device.FlushAsync(cancellationToken: Stop)).Acknowledged, (int)await store.CountAsync(Stop)));
        await backend.RestoreAsync(backup);

        var result = await device.PullAsync(cancellationToken: Stop);
        Assert.Equal((8, 8), ((int)result.Requeued, (int)await store.CountAsync(Stop)));
        await device.FlushAsync(cancellationToken: Stop);
        await device.PullAsync(cancellationToken: Stop);
        Assert.Equal((13, store.Digest()), await backend.LogAsync(user));
        Assert.Empty(await store.SentAsync(Stop));
    }

    [Theory]
    [InlineData(StreamEndpoint.Negotiated)]
    [InlineData(StreamEndpoint.Gateway)]
    [InlineData(StreamEndpoint.None)]
    public async Task An_erased_history_does_not_rise_by_itself_and_the_device_may_begin_anew(StreamEndpoint stream)
    {
        var user = backend.Backend.NewUser();
        await user.PushHistoryAsync(30);
        var store = new InMemoryEventStore();
        using var device = backend.Device(user, store, stream);
        await device.PullAsync(cancellationToken: Stop);
        await device.EnqueueAsync([user.Generate(1, seed: 5)[0]], Stop);
        var (held, digest) = (await store.LoadAsync(Stop), store.Digest());

        await backend.EraseAsync(user);
        await RefusesAllAsync();
        await PushAsync(user, user.Generate(4, seed: 6));
        await RefusesAllAsync();
        Assert.Equal(4, (await backend.LogAsync(user)).Events);

        Assert.Equal(1, await device.BeginAnewAsync(Stop));
        var result = await device.PullAsync(cancellationToken: Stop);
        Assert.Equal((4, store.Digest()), await backend.LogAsync(user));
        Assert.Null(result.PushedAgain);
        Assert.Equal(0, await store.CountAsync(Stop));
        Assert.Contains("was not sent", Assert.Single(await device.GetRefusedAsync(Stop)).Reason, StringComparison.Ordinal);

        async Task RefusesAllAsync()
        {
            var failure = (await Assert.ThrowsAsync<SyncFailedException>(() => device.PullAsync(cancellationToken: Stop))).Failure;
            Assert.Equal((SyncFailureKind.HistoryChanged, ErrorCodes.HistoryChanged, false), (failure.Kind, failure.Code, failure.IsTransient));
            Assert.Equal((SyncFailureKind.HistoryChanged, 1), ((await device.FlushAsync(cancellationToken: Stop)).Failure!.Kind, (int)await store.CountAsync(Stop)));
            await Assert.ThrowsAsync<SyncFailedException>(() => device.PushAsync([user.Generate(1, seed: 7)[0]], cancellationToken: Stop));
            Assert.Equal((held, digest), (await store.LoadAsync(Stop), store.Digest()));
        }
    }

    [Fact]
    public async Task Another_users_log_is_refused_before_anything_is_written_or_pushed()
    {
        var (ada, eve) = (backend.Backend.NewUser(), backend.Backend.NewUser());
        await ada.PushHistoryAsync(20);
        await eve.PushHistoryAsync(7);
        await using var store = await SqliteEventStore.OpenAsync(Path.Combine(backend.Backend.Folder, "shared.db"), Stop);
        using (var device = backend.Device(ada, store)) await device.PullAsync(cancellationToken: Stop);
        var before = (await store.LoadAsync(Stop), await store.LoadMarkAsync(Stop), await DigestAsync(store));

        foreach (var user in new[] { eve, backend.Backend.NewUser() })
        {
            var log = await backend.LogAsync(user);
            using var device = backend.Device(user, store);
            await device.EnqueueAsync([Encoding.UTF8.GetBytes($$"""{"id":"{{user.Id}}","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""")], Stop);
            Assert.Equal(SyncFailureKind.HistoryChanged, (await device.FlushAsync(cancellationToken: Stop)).Failure!.Kind);
            Assert.Equal(SyncFailureKind.HistoryChanged, (await Assert.ThrowsAsync<SyncFailedException>(() => device.PullAsync(cancellationToken: Stop))).Failure.Kind);
            Assert.Equal(log, await backend.LogAsync(user));
        }

        Assert.Equal(before, (await store.LoadAsync(Stop), await store.LoadMarkAsync(Stop), await DigestAsync(store)));
        Assert.Equal(2, await store.CountAsync(Stop));
    }

    [Fact]
    public async Task A_store_that_only_pushed_is_of_that_log_too()
    {
        var (ada, eve, store) = (backend.Backend.NewUser(), backend.Backend.NewUser(), new InMemoryEventStore());
        await eve.PushHistoryAsync(2);
        using (var device = backend.Device(ada, store))
        {
            await device.EnqueueAsync([ada.Generate(1)[0]], Stop);
            Assert.Null((await device.FlushAsync(cancellationToken: Stop)).Failure);
        }

        using var other = backend.Device(eve, store);
        Assert.Equal(SyncFailureKind.HistoryChanged, (await Assert.ThrowsAsync<SyncFailedException>(() => other.PullAsync(cancellationToken: Stop))).Failure.Kind);
        Assert.Equal(0, (await store.LoadAsync(Stop)).Events);
    }

    [Fact]
    public async Task A_watch_ends_when_the_log_is_erased_under_it_and_no_event_of_the_new_one_is_taken_for_known()
    {
        var user = backend.Backend.NewUser();
        await user.PushHistoryAsync(10);
        var store = new InMemoryEventStore();
        using var device = backend.Device(user, store);
        var seen = 0;
        var failure = await Assert.ThrowsAsync<SyncFailedException>(async () =>
        {
            await foreach (var next in device.WatchAsync(Stop))
            {
                if (++seen == 10) await PushAsync(user, user.Generate(1, seed: 4));
                if (seen != 11) continue;
                await backend.EraseAsync(user);
                await PushAsync(user, user.Generate(30, seed: 5));
            }
        });
        Assert.Equal((SyncFailureKind.HistoryChanged, 11), (failure.Failure.Kind, seen));
        Assert.Equal(11, (await store.LoadAsync(Stop)).Events);
    }

    [Fact]
    public async Task A_watch_heals_a_server_that_was_put_back_under_it()
    {
        var user = backend.Backend.NewUser();
        await user.PushHistoryAsync(10);
        var backup = await backend.BackUpAsync("watched.backup");
        await PushAsync(user, user.Generate(25).Skip(10));
        var store = new InMemoryEventStore();
        using var device = backend.Device(user, store);
        var ids = new HashSet<string>();
        await foreach (var next in device.WatchAsync("app", Stop))
        {
            ids.Add(next.Id!);
            if (ids.Count == 25 && (await backend.LogAsync(user)).Events == 25)
            {
                await backend.RestoreAsync(backup);
                await PushAsync(user, user.Generate(3, seed: 8));
            }

            if (ids.Count == 28) break;
        }

        Assert.Equal((28, store.Digest()), await backend.LogAsync(user));
    }

    [Fact]
    public async Task An_erased_log_of_a_server_whose_clock_ran_ahead_does_not_make_a_device_fail_for_days()
    {
        var user = backend.Backend.NewUser();
        var ahead = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow().AddDays(5));
        var early = new Sync.Log.EventLog(backend.Table, ahead, Microsoft.Extensions.Logging.Abstractions.NullLogger<Sync.Log.EventLog>.Instance);
        await early.AppendAsync(HistoryBackend.LogOf(user), [.. user.Generate(5).Select((json, i) => new Sync.Log.NewEvent(EventId.Parse(IdOf(json)), json, i))], Stop);
        var store = new InMemoryEventStore();
        using var device = backend.Device(user, store);
        var days = (await device.PullAsync(cancellationToken: Stop)).Checkpoint;
        await backend.EraseAsync(user);
        await PushAsync(user, user.Generate(3, seed: 2));

        await Assert.ThrowsAsync<SyncFailedException>(() => device.PullAsync(cancellationToken: Stop));
        await device.BeginAnewAsync(Stop);
        var result = await device.PullAsync(cancellationToken: Stop);
        Assert.True(result.Checkpoint < days);
        await PushAsync(user, user.Generate(2, seed: 3));
        await device.PullAsync(cancellationToken: Stop);
        Assert.Equal((5, store.Digest()), await backend.LogAsync(user));
    }

    private static string IdOf(byte[] json) => new SyncEventReader().Read(json).Id!;

    private static async Task PushAsync(TestUser user, IEnumerable<byte[]> events)
    {
        using var answer = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', events.Select(Encoding.UTF8.GetString))}}]}""");
        answer.EnsureSuccessStatusCode();
    }

    private static async Task<string> DigestAsync(SqliteEventStore store)
    {
        using var digest = new EventDigest();
        await foreach (var json in store.ReadAsync(Stop)) digest.Append(json.Span);
        return digest.ToString();
    }
}
