using System.Text;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;

namespace Dequeue.Contracts.Tests.Streaming.Deltas;

public sealed class DeltaTests
{
    private const int Limit = 4 * 1024 * 1024;
    private readonly DeltaEncoder _encoder = new();
    private readonly DeltaDecoder _decoder = new(Limit);

    [Theory]
    [InlineData("""{"id":"a","title":"Old","n":1}""", """{"id":"a","title":"New","n":1}""", """{"title":"New"}""")]
    [InlineData("""{"id":"a","n":1,"m":2}""", """{"id":"a","m":2}""", """{"n":null}""")]
    [InlineData("""{"id":"a","n":1}""", """{"id":"a","n":1,"m":2}""", """{"m":2}""")]
    [InlineData("""{"id":"a","n":1}""", """{"id":"a","n":1}""", """{}""")]
    [InlineData("""{"id":"a","n":1,"o":{"x":1,"y":[1,2]}}""", """{"id":"a","n":1,"o":{"x":2,"y":[1,2]}}""", """{"o":{"x":2}}""")]
    [InlineData("""{"id":"abcdef","n":1,"o":{"x":1,"y":2}}""", """{"id":"abcdef","n":1,"o":{}}""", """{"o":{"x":null,"y":null}}""")]
    [InlineData("""{"id":"a","o":{"x":1}}""", """{"id":"a","o":[1]}""", """{"o":[1]}""")]
    [InlineData("""{"id":"abcdef","o":1}""", """{"id":"abcdef","o":{"x":1}}""", """{"o":{"x":1}}""")]
    [InlineData("""{"id":"abcdef","z":null,"n":1}""", """{"id":"abcdef","z":null,"n":2}""", """{"n":2}""")]
    [InlineData("""{"id":"abcdef","n":1}""", """{"id":"abcdef","n":1.0}""", """{"n":1.0}""")]
    [InlineData("""{"id":"abcdef","n":"é"}""", """{"id":"abcdef","n":"\u00e9"}""", """{"n":"\u00e9"}""")]
    [InlineData("""{"id":"abcdef","\ud800":1}""", """{"id":"abcdef","\ud800":2}""", """{"\ud800":2}""")]
    [InlineData("""{"id":"abcdef","":1,"n":{"":2}}""", """{"id":"abcdef","":1,"n":{"":3}}""", """{"n":{"":3}}""")]
    public void A_state_comes_as_what_changed(string before, string after, string patch)
    {
        var (first, second) = (Updated(before), Updated(after));

        var batch = Wire.Send(_encoder, 0, first, second);

        Assert.Equal([first, Updated(patch)], Wire.Texts(batch));
        Assert.Equal([1], batch.Deltas);
        Assert.Equal([first, second], Wire.Texts(_decoder.Rebuild(batch, out _)));
    }

    [Theory]
    [InlineData("""{"a":1,"b":2,"title":"Long enough"}""", """{"b":2,"a":1,"title":"Long enough"}""")]
    [InlineData("""{"a":1,"title":"Long enough"}""", """{"a":null,"title":"Long enough"}""")]
    [InlineData("""{"a":1,"title":"Long enough"}""", """{"a":1,"title":"Long enough","b":null}""")]
    [InlineData("""{"a":1,"title":"Long enough"}""", """{"a":{"b":null},"title":"Long enough"}""")]
    [InlineData("""{"a":1,"a":2,"title":"Long enough"}""", """{"a":1,"a":3,"title":"Long enough"}""")]
    [InlineData("""{"a":1,"a":2,"title":"Long enough"}""", """{"a":3,"a":2,"title":"Long enough"}""")]
    [InlineData("""{"a":1,"a":2,"title":"Long enough"}""", """{"a":1,"a":2,"title":"Long enough!"}""")]
    [InlineData("""{"a":1,"title":"Long enough"}""", """{"a":1,"title":"Long enough","b":1,"b":1}""")]
    [InlineData("""{"a":1,"title":"Long enough"}""", """{"title":"Long enough","a":1,"a":1}""")]
    [InlineData("""{"title":"x"}""", """{"title":"y"}""")]
    [InlineData("""{"a":1}""", """{}""")]
    public void A_state_comes_whole_when_a_patch_cannot_make_it_to_the_byte_or_saves_nothing(string before, string after)
    {
        var events = new[] { Updated(before), Updated(after) };

        var batch = Wire.Send(_encoder, 0, events);

        Assert.Empty(batch.Deltas);
        Assert.Equal(events, Wire.Texts(batch));
    }

    [Theory]
    [InlineData("""{"type":"task","payload":{"taskId":"1","state":STATE}}""")]
    [InlineData("""{"type":".task","payload":{"Id":"1","state":STATE}}""")]
    [InlineData("""{"type":1,"payload":{"taskId":"1","state":STATE}}""")]
    [InlineData("""{"payload":{"taskId":"1","state":STATE}}""")]
    [InlineData("""{"type":"task.x","type":"task.x","payload":{"taskId":"1","state":STATE}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","state":STATE},"payload":{}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","taskId":"1","state":STATE}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","state":STATE,"state":1}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","fullState":STATE,"fullState":1}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","fullState":STATE,"state":1,"state":1}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":1,"state":STATE}}""")]
    [InlineData("""{"type":"task.x","payload":{"stackId":"1","state":STATE}}""")]
    [InlineData("""{"type":"task.x","payload":{"task\u0049d":"1","state":STATE}}""")]
    [InlineData("""{"t\u0079pe":"task.x","payload":{"taskId":"1","state":STATE}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","st\u0061te":STATE}}""")]
    [InlineData("""{"type":"task\u002ex","payload":{"taskId":"1","state":STATE}}""")]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","fullState":[STATE]}}""")]
    [InlineData("""{"type":"task.x","payload":[{"taskId":"1","fullState":STATE}]}""")]
    [InlineData("""{"type":"task.x"}""")]
    [InlineData("""{}""")]
    public void An_event_without_an_entity_or_a_state_comes_whole_and_leaves_nothing(string json)
    {
        var odd = json.Replace("STATE", """{"id":"1","title":"Long enough"}""", StringComparison.Ordinal);
        var known = Updated("""{"id":"1","title":"Another title"}""");

        var batch = Wire.Send(_encoder, 0, known, odd, odd, known);

        Assert.Equal([3], batch.Deltas);
        Assert.Equal([known, odd, odd, Updated("{}")], Wire.Texts(batch));
        Assert.Equal([known, odd, odd, known], Wire.Texts(_decoder.Rebuild(batch, out _)));
    }

    [Fact]
    public void A_full_state_comes_before_a_state_and_each_follows_the_other()
    {
        const string Both = """{"payload":{"state":{"id":"1","n":1},"fullState":{"id":"1","n":2},"taskId":"1"},"type":"task.updated"}""";
        const string Full = """{"payload":{"fullState":{"id":"1","n":2},"state":"pending","taskId":"1"},"type":"task.updated"}""";

        var batch = Wire.Send(_encoder, 0, Both, Full, Updated("""{"id":"1","n":2}"""));

        Assert.Equal([Both, Full.Replace("""{"id":"1","n":2}""", "{}", StringComparison.Ordinal), Updated("{}")], Wire.Texts(batch));
    }

    [Fact]
    public void States_of_two_entities_are_kept_apart()
    {
        var (task, stack) = (Event("task", "1", """{"title":"A long title"}"""), Event("stack", "1", """{"title":"A long title"}"""));

        var batch = Wire.Send(_encoder, 0, task, stack, Event("task", "2", """{"title":"A long title"}"""), task);

        Assert.Equal([3], batch.Deltas);
    }

    [Fact]
    public void A_later_batch_refers_to_the_states_of_earlier_ones_until_a_reset()
    {
        var state = Updated("""{"id":"1","title":"Long enough"}""");
        var batches = new[] { Wire.Send(_encoder, 0, state), Wire.Send(_encoder, 1, state), Wire.Send(new DeltaEncoder(), 2, state) };

        Assert.Equal([true, false, true], batches.Select(batch => batch.ForgetsStates));
        Assert.Equal([0, 1, 0], batches.Select(batch => batch.Deltas.Count));
        Assert.All(batches, batch => Assert.Equal([state], Wire.Texts(_decoder.Rebuild(batch, out _))));
    }

    [Fact]
    public void A_step_that_is_repeated_with_other_batches_is_rebuilt_from_its_own_beginning()
    {
        string State(int n) => Updated($$"""{"id":"1","title":"Long enough","n":{{n}}}""");
        var repetition = new DeltaEncoder();

        // The first attempt sent two batches and failed; the second cuts them elsewhere.
        StreamMessage.Batch[] batches =
        [
            Wire.Send(_encoder, 0, State(0), State(1)), Wire.Send(_encoder, 1, State(2), State(3)),
            Wire.Send(repetition, 0, State(0)), Wire.Send(repetition, 1, State(1), State(2)), Wire.Send(repetition, 2, State(3), State(4)),
        ];

        Assert.All(batches[..2], batch => Assert.NotEmpty(batch.Deltas));
        Assert.Equal([0, 1, 2, 3, 0, 1, 2, 3, 4], batches.SelectMany(batch => Wire.Texts(_decoder.Rebuild(batch, out _))).Select(json => json[^4] - '0'));
    }

    [Fact]
    public void A_batch_that_does_not_follow_the_one_before_is_refused_unless_it_resets()
    {
        var state = Updated("""{"id":"1","title":"Long enough"}""");
        Assert.NotNull(_decoder.Rebuild(Wire.Send(_encoder, 4, state), out _));
        var (fifth, fifthAgain) = (Wire.Send(_encoder, 5, state), Wire.Send(_encoder, 5, state));
        Assert.NotNull(_decoder.Rebuild(fifth, out _));

        Assert.Null(_decoder.Rebuild(fifthAgain, out var problem));
        Assert.NotNull(problem);
        Assert.NotNull(_decoder.Rebuild(Wire.Send(new DeltaEncoder(), 1, state), out _));
    }

    [Theory]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","state":{"n":2}}}""", 1)]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","state":{"n":2}}}""", -1)]
    [InlineData("""{"type":"task.x","payload":{"taskId":"2","state":{"n":2}}}""", 0)]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","state":[]}}""", 0)]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1"}}""", 0)]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","state":{"n":2,"n":3}}}""", 0)]
    [InlineData("""{"type":"task.x","payload":{"taskId":"1","state":{"m":2,"m":3}}}""", 0)]
    [InlineData("""not even JSON""", 0)]
    [InlineData("", 0)]
    public void A_delta_that_fits_nothing_ends_the_stream(string json, int place)
    {
        Assert.NotNull(_decoder.Rebuild(Wire.Send(_encoder, 0, Updated("""{"n":1}""")), out _));

        Assert.Null(_decoder.Rebuild(new StreamMessage.Batch([Event(json)], 1, false, null) { Deltas = [place] }, out var problem));
        Assert.NotNull(problem);
    }

    [Fact]
    public void A_bomb_of_small_patches_on_a_large_state_is_refused_once_it_is_larger_than_a_batch()
    {
        var large = Event(Updated($$"""{"title":"{{new string('x', 500_000)}}"}"""));
        var small = Event(Updated("{}"));
        var bomb = new StreamMessage.Batch([large, .. Enumerable.Repeat(small, 10_000)], 0, false, null) { Deltas = [.. Enumerable.Range(1, 10_000)] };
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Null(_decoder.Rebuild(bomb, out _));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 * Limit);
    }

    [Fact]
    public void More_states_than_either_side_holds_are_reset_in_time()
    {
        var (resets, deltas) = (0, 0);
        for (var index = 0; index < 40; index++)
        {
            string[] events = [.. Enumerable.Range(0, 60).Select(i => Event("task", $"{index}-{i / 2}", $$"""{"n":{{i}},"title":"{{new string('x', 10_000)}}"}"""))];
            var batch = Wire.Send(_encoder, index, events);
            resets += batch.ForgetsStates ? 1 : 0;
            deltas += batch.Deltas.Count;
            Assert.Equal(events, Wire.Texts(_decoder.Rebuild(batch, out _)));
        }

        Assert.Equal(1200, deltas);
        Assert.InRange(resets, 2, 4);
    }

    [Fact]
    public void States_beyond_the_bound_are_not_held_although_no_batch_resets()
    {
        for (var index = 0; index < 20; index++)
        {
            var states = Enumerable.Range(0, 10).Select(i => Event(Event("task", $"{index}-{i}", $$"""{"n":1,"title":"{{new string('x', 50_000)}}"}""")));
            Assert.NotNull(_decoder.Rebuild(new StreamMessage.Batch([.. states], index, false, null), out _));
        }

        // 10 MB came; the last are not there.
        Assert.Null(_decoder.Rebuild(new StreamMessage.Batch([Event(Event("task", "19-9", """{"n":2}"""))], 20, false, null) { Deltas = [0] }, out _));
    }

    [Theory]
    [InlineData(128, 1)]
    [InlineData(129, 0)]
    public void An_object_of_too_many_members_comes_whole(int members, int deltas)
    {
        string State(int n) => Updated("{" + string.Join(',', Enumerable.Range(0, members).Select(i => $"\"{i}\":{(i == 5 ? n : i)}")) + "}");

        Assert.Equal(deltas, Wire.Send(_encoder, 0, State(1), State(2)).Deltas.Count);
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(9, 0)]
    [InlineData(10_000, 0)]
    public void A_state_that_changes_too_deep_inside_comes_whole(int depth, int deltas)
    {
        ReadOnlyMemory<byte> State(int n)
            => Encoding.UTF8.GetBytes(Updated(string.Concat(Enumerable.Repeat("""{"title":"Long enough","a":""", depth)) + n + new string('}', depth)));

        Assert.Equal(deltas, _encoder.Encode([State(1), State(2)]).Deltas.Count);
    }

    private static string Updated(string state) => Event("task", "1", state);

    private static string Event(string kind, string id, string state)
        => $$$"""{"type":"{{{kind}}}.updated","payload":{"{{{kind}}}Id":"{{{id}}}","fullState":{{{state}}}}}""";

    private static SyncEvent Event(string json) => new(Encoding.UTF8.GetBytes(json), null, null, null, false);
}
