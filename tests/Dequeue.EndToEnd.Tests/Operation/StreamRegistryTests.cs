using System.Security.Cryptography;
using Dequeue.Storage;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Operation;

public sealed class StreamRegistryTests : IDisposable
{
    private const int Max = 3;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-registry-");
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 22, 8, 0, 0, TimeSpan.Zero));
    private readonly IPartitionedTable _table;
    private readonly StreamRegistry _registry;

    public StreamRegistryTests()
    {
        _table = EventLogStorage.Open("sqlite:" + Path.Combine(_folder.FullName, "events.db"));
        _registry = new StreamRegistry(_table, _clock);
    }

    public void Dispose()
    {
        (_table as IDisposable)?.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task The_row_is_stored_as_documented()
    {
        await BeginAsync("ada", "c1", "r1");
        var log = Convert.ToHexStringLower(SHA256.HashData("dequeue:ada"u8));
        var row = await _table.GetAsync("!streams" + log[0], log + ".c1", null, Cancel);
        Assert.Equal(
            new Dictionary<string, object> { ["Request"] = "r1", ["Running"] = 1, ["Changed"] = _clock.GetUtcNow().UtcTicks },
            row!.Properties.OrderBy(property => property.Key).ToDictionary());
    }

    [Fact]
    public async Task A_connection_has_one_stream_at_a_time_and_a_request_starts_one_however_often_it_comes()
    {
        Assert.Equal(StreamClaim.Granted, await BeginAsync("ada", "c1", "r1"));
        Assert.Equal(StreamClaim.Repeated, await BeginAsync("ada", "c1", "r1"));
        Assert.Equal(StreamClaim.Busy, await BeginAsync("ada", "c1", "r2"));
        await _registry.EndAsync(OperationHost.Log("ada"), "c1", "r1", Cancel);
        Assert.Equal(StreamClaim.Repeated, await BeginAsync("ada", "c1", "r1"));
        Assert.Equal(StreamClaim.Granted, await BeginAsync("ada", "c1", "r2"));
        await _registry.ForgetAsync(OperationHost.Log("ada"), "c1", Cancel);
        Assert.Equal(StreamClaim.Granted, await BeginAsync("ada", "c1", "r3"));
    }

    [Fact]
    public async Task Of_many_requests_at_once_at_least_as_many_as_are_allowed_get_through_and_later_ones_do_not()
    {
        var claims = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => BeginAsync("ada", $"c{i}", "r")));
        Assert.InRange(claims.Count(claim => claim == StreamClaim.Granted), Max, 12);
        Assert.Equal(12, claims.Count(claim => claim is StreamClaim.Granted or StreamClaim.TooMany));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StreamClaim.TooMany, await BeginAsync("ada", "later", "r"));
        Assert.Equal(StreamClaim.Granted, await BeginAsync("bob", "later", "r"));
    }

    [Fact]
    public async Task A_refused_request_leaves_its_connection_free()
    {
        foreach (var i in Enumerable.Range(0, Max)) await BeginAsync("ada", $"c{i}", "r");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StreamClaim.TooMany, await BeginAsync("ada", "more", "r1"));
        await _registry.EndAsync(OperationHost.Log("ada"), "c0", "r", Cancel);
        Assert.Equal(StreamClaim.Granted, await BeginAsync("ada", "more", "r2"));
    }

    [Fact]
    public async Task Every_row_is_listed_once_wherever_the_listing_begins()
    {
        var expected = new HashSet<string>();
        foreach (var i in Enumerable.Range(0, 60))
        {
            await BeginAsync($"user-{i}", $"c-{i}", "r");
            expected.Add($"c-{i}");
        }

        foreach (var first in new[] { 0, 7, StreamRegistry.Shards - 1 })
        {
            var listed = await _registry.ListAsync(first, Cancel).ToListAsync(Cancel);
            Assert.Equal(60, listed.Count);
            Assert.Equal(expected, listed.Select(row => row.Connection).ToHashSet());
            Assert.All(listed, row => Assert.Equal((true, _clock.GetUtcNow()), (row.IsRunning, row.ChangedAt)));
        }
    }

    [Fact]
    public async Task A_row_that_has_changed_since_it_was_listed_is_not_removed()
    {
        await BeginAsync("ada", "c1", "r1");
        var listed = await _registry.ListAsync(0, Cancel).SingleAsync(Cancel);
        await _registry.EndAsync(OperationHost.Log("ada"), "c1", "r1", Cancel);
        Assert.False(await _registry.RemoveAsync(listed, Cancel));
        Assert.True(await _registry.RemoveAsync(await _registry.ListAsync(0, Cancel).SingleAsync(Cancel), Cancel));
        Assert.Empty(await _registry.ListAsync(0, Cancel).ToListAsync(Cancel));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Task<StreamClaim> BeginAsync(string user, string connection, string request)
        => _registry.BeginAsync(OperationHost.Log(user), connection, request, Max, Cancel);
}
