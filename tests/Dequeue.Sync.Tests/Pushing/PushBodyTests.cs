using System.Text;
using CsCheck;
using Dequeue.Contracts;
using Dequeue.Sync.Pushing;

namespace Dequeue.Sync.Tests.Pushing;

public sealed class PushBodyTests
{
    private static readonly UserId Caller = UserId.Parse("us\"er|1é");

    [Fact]
    public void An_empty_or_missing_user_is_filled_in_escaped_as_JSON_wants_it()
    {
        var push = Assert.IsType<ReceivedPush.Valid>(Read("""{"events":[{"user_id":"","id":"a","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2},{"id":"b","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}"""));

        Assert.StartsWith("""{"user_id":"us\"er|1é","id":"a",""", Text(push, 0), StringComparison.Ordinal);
        Assert.StartsWith("""{"user_id":"us\"er|1é","id":"b",""", Text(push, 1), StringComparison.Ordinal);
    }

    [Fact]
    public void The_callers_id_is_known_however_it_is_spelled()
    {
        var push = Assert.IsType<ReceivedPush.Valid>(Read("""{"events":[{"user_id":"\u0075s\u0022er|1\u00e9","id":"a","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}"""));
        Assert.StartsWith("""{"user_id":"\u0075s\u0022er|1\u00e9",""", Text(push, 0), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"events":[],"events":[]}""")]
    [InlineData("""{"events":null}""")]
    [InlineData("""{"events":[null]}""")]
    [InlineData("""{"events":[{}""")]
    [InlineData("""{"events":[{}]}{}""")]
    [InlineData("\u00ef\u00bb\u00bf{}")]
    public void What_is_no_push_is_malformed(string body) => Assert.IsType<ReceivedPush.Malformed>(Read(body));

    [Fact]
    public void Lone_surrogates_in_names_and_values_never_throw()
    {
        var push = Assert.IsType<ReceivedPush.Valid>(Read("""{"events":[{"\ud800":1,"id":"\ud800","ts":"2026-01-01T00:00:00Z","type":"\udfff","payload":{"\ud800":"\ud800"},"payload_version":2}]}"""));
        Assert.Equal("", Assert.Single(push.Rejected).Id);
    }

    [Fact]
    public void Any_bytes_at_all_are_read_or_refused_and_never_thrown_at()
    {
        var seed = Encoding.UTF8.GetBytes("""{"events":[{"user_id":"","id":"a","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":[1,{"y":"\u00e9"}]},"payload_version":2}],"more":{}}""");
        Gen.Select(Gen.Int[0, seed.Length - 1].Array[1, 6], Gen.Byte.Array[6]).Sample((places, bytes) =>
        {
            var mutated = seed.ToArray();
            for (var i = 0; i < places.Length; i++) mutated[places[i]] = bytes[i];
            if (ReceivedPush.Read(mutated, Caller) is not ReceivedPush.Valid push) return;
            foreach (var stored in push.Events) System.Text.Json.JsonDocument.Parse(stored.Json).Dispose();
        });
    }

    private static ReceivedPush Read(string body) => ReceivedPush.Read(Encoding.UTF8.GetBytes(body), Caller);

    private static string Text(ReceivedPush.Valid push, int index) => Encoding.UTF8.GetString(push.Events[index].Json.Span);
}
