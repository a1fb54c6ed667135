using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dequeue.Contracts.Rest;

namespace Dequeue.Contracts.Tests.Rest;

/// <summary>Golden JSON of the bodies that hold no events.</summary>
public sealed class RestBodiesTests
{
    [Fact]
    public void Push_response()
        => Golden(new PushResponse(["a"], ["b", ""], ["Too large.", "No id."]), """{"acknowledged":["a"],"rejected":["b",""],"errors":["Too large.","No id."]}""", RestJson.Default.PushResponse);

    [Fact]
    public void Meta()
        => Golden(new SyncMeta(2, 1767225600000, "e1", 1767225600001), """{"eventCount":2,"lastEventTs":1767225600000,"lastEventId":"e1","lastSyncedAtTs":1767225600001}""", RestJson.Default.SyncMeta);

    [Fact]
    public void Meta_of_an_empty_log()
        => Golden(new SyncMeta(0, null, null, null), """{"eventCount":0,"lastEventTs":null,"lastEventId":null,"lastSyncedAtTs":null}""", RestJson.Default.SyncMeta);

    [Fact]
    public void Negotiate()
        => Golden(
            new NegotiateResponse("wss://host/client/hubs/sync?access_token=t", new DateTimeOffset(2026, 11, 22, 8, 15, 30, TimeSpan.Zero)),
            """{"url":"wss://host/client/hubs/sync?access_token=t","expiresAt":"2026-11-22T08:15:30+00:00"}""",
            RestJson.Default.NegotiateResponse);

    [Fact]
    public void Bodies_name_the_epoch_of_a_log_that_has_one()
    {
        Golden(new SyncMeta(1, 2, "e1", 3, "e"), """{"eventCount":1,"lastEventTs":2,"lastEventId":"e1","lastSyncedAtTs":3,"epoch":"e"}""", RestJson.Default.SyncMeta);
        Golden(new NegotiateResponse("wss://host/", default, "e"), """{"url":"wss://host/","expiresAt":"0001-01-01T00:00:00+00:00","epoch":"e"}""", RestJson.Default.NegotiateResponse);
        Golden(new PushResponse([], [], []) { Epoch = "e" }, """{"acknowledged":[],"rejected":[],"errors":[],"epoch":"e"}""", RestJson.Default.PushResponse);
        Golden(
            new Problem("History changed", 409, "x", ErrorCodes.HistoryChanged) { Epoch = "e", EventCount = 110 },
            """{"title":"History changed","status":409,"detail":"x","code":"HISTORY_CHANGED","epoch":"e","eventCount":110}""",
            RestJson.Default.Problem);
    }

    [Fact]
    public void A_problem()
        => Golden(
            new Problem("Invalid checkpoint", 400, "since is an RFC 3339 date-time.", ErrorCodes.InvalidCheckpoint),
            """{"title":"Invalid checkpoint","status":400,"detail":"since is an RFC 3339 date-time.","code":"INVALID_CHECKPOINT"}""",
            RestJson.Default.Problem);

    [Fact]
    public void The_digests_of_parts_are_asked_for_by_their_ends()
        => Golden(
            new DigestsRequest(Checkpoint.FromTicks(621355968000000000), [Checkpoint.FromTicks(621355968000000001)]),
            """{"since":"1970-01-01T00:00:00.0000000Z","checkpoints":["1970-01-01T00:00:00.0000001Z"]}""",
            RestJson.Default.DigestsRequest);

    [Fact]
    public void The_digests_of_parts_are_answered_one_for_each()
        => Golden(
            new DigestsResponse([new RangeDigest(Checkpoint.FromTicks(621355968000000001), 3, "ab")]),
            """{"ranges":[{"checkpoint":"1970-01-01T00:00:00.0000001Z","count":3,"digest":"ab"}]}""",
            RestJson.Default.DigestsResponse);

    private static void Golden<T>(T value, string json, JsonTypeInfo<T> type)
    {
        Assert.Equal(json, JsonSerializer.Serialize(value, type));
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize(json, type)!, type));
    }
}
