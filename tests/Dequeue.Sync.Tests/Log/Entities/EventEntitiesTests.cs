using System.Text;
using System.Text.Json;
using CsCheck;
using Dequeue.Sync.Log.Entities;

namespace Dequeue.Sync.Tests.Log.Entities;

public sealed class EventEntitiesTests
{
    [Theory]
    [InlineData("""{"type":"task.created","payload":{"taskId":"t","stackId":"s","title":"x"}}""", "t s")]
    [InlineData("""{"payload":{"stackIds":["a","b","a"],"sortOrders":[1,2]},"type":"stack.reordered"}""", "a b")]
    [InlineData("""{"payload":{"parentId":"p","state":{"id":"x","stackId":"y"},"changes":{"tagIds":["z"]}}}""", "p")]
    [InlineData("""{"payload":{"id":"a","ID":"b","identity":"c","Id":"d","Ids":["e"],"stackid":"f","stackId2":"g"}}""", "d e")]
    [InlineData("""{"stackId":"outside","payload":{"tagId":null,"arcId":5,"aId":{"bId":"in"},"cId":["in"],"dIds":"s","eIds":{"fId":"in"},"gId":true}}""", null)]
    [InlineData("""{"payload":{"aIds":["x",1,null,["in"],{"bId":"in"},"y"],"bId":"z"}}""", "x y z")]
    [InlineData("""{"p\u0061yload":{"stack\u0049d":"s\u0031","task\u0049ds":["t\u00e9"]}}""", "s1 té")]
    [InlineData("""{"payload":{"aId":"\ud800","\udc00Id":"x","bId":"b"}}""", "b")]
    [InlineData("""{"payload":{"aId":"x"},"payload":{"aId":"y"}}""", "y")]
    [InlineData("""{"payload":{"aId":""}}""", null)]
    [InlineData("""{"payload":["aId","x"]}""", null)]
    [InlineData("""{"payload":"x"}""", null)]
    [InlineData("""{"type":"task.created"}""", null)]
    [InlineData("""{"payload":{"aId":"x"}""", null)]
    [InlineData("""["payload",{"aId":"x"}]""", null)]
    [InlineData("nothing", null)]
    public void An_event_concerns_what_its_payload_names_at_its_top_level(string json, string? expected)
        => Assert.Equal(expected is null ? [] : expected.Split(' ').Select(EntityKey.Of), Read(json).Keys.ToArray());

    [Theory]
    [InlineData("""{"type":"task.updated","payload":{"taskId":"t","stackId":"s"}}""", "t")]
    [InlineData("""{"payload":{"stackId":"s","taskId":"t"},"type":"task."}""", "t")]
    [InlineData("""{"type":"t\u0061sk.updated","payload":{"task\u0049d":"\u0074"}}""", "t")]
    [InlineData("""{"type":"task","payload":{"taskId":"t"}}""", null)]
    [InlineData("""{"type":"tasks.updated","payload":{"taskId":"t"}}""", null)]
    [InlineData("""{"type":"reminder.created","payload":{"taskId":"t"}}""", null)]
    [InlineData("""{"type":"task.updated","payload":{"taskId":7,"parentId":"t"}}""", null)]
    [InlineData("""{"type":5,"payload":{"taskId":"t"}}""", null)]
    public void A_task_event_is_about_its_task(string json, string? task) => Assert.Equal(task is null ? null : EntityKey.Of(task), Read(json).Task);

    [Fact]
    public void Ids_of_more_than_256_bytes_are_no_entities()
    {
        var (longest, tooLong) = (new string('é', 128), new string('é', 128) + "x");
        Assert.Equal([EntityKey.Of(longest)], Read($$$"""{"payload":{"aId":"{{{tooLong}}}","bId":"{{{longest}}}"}}""").Keys.ToArray());
        var escaped = string.Concat(Enumerable.Repeat("\\u0041", 256));
        Assert.Equal([EntityKey.Of(new string('A', 256))], Read($$$"""{"payload":{"aId":"{{{escaped}}}","bId":"{{{escaped}}}x","cIds":["{{{new string('y', 60_000)}}}"]}}""").Keys.ToArray());
    }

    [Fact]
    public void The_first_32_entities_count()
    {
        var ids = Enumerable.Range(0, 100).Select(i => $"i{i}").ToList();
        var expected = ids.Take(EventEntities.MaxEntities).Select(EntityKey.Of).ToArray();
        Assert.Equal(expected, Read($$$"""{"payload":{"aIds":{{{JsonSerializer.Serialize(ids)}}},"bId":"late"}}""").Keys.ToArray());
        Assert.Equal(expected, Read($$$"""{"payload":{{{JsonSerializer.Serialize(ids.ToDictionary(id => id + "Id"))}}}}""").Keys.ToArray());
    }

    [Fact]
    public void One_reader_forgets_the_event_before()
    {
        var reader = new EventEntities();
        reader.Read("""{"type":"task.x","payload":{"taskId":"t"}}"""u8);
        reader.Read("{"u8);
        Assert.Equal((0, null), (reader.Keys.Length, reader.Task));
    }

    [Fact]
    public void Whatever_the_bytes_reading_does_not_throw()
    {
        var valid = Encoding.UTF8.GetBytes("""{"type":"task.created","payload":{"taskId":"t\u00e9","stackIds":["a","\ud800"],"x":{"y":[1]}}}""");
        Gen.Select(Gen.Int[0, valid.Length - 1], Gen.Byte, Gen.Int[0, valid.Length]).Sample((at, value, length) =>
        {
            var bytes = valid.ToArray();
            bytes[at] = value;
            new EventEntities().Read(bytes.AsSpan(0, length));
            ActiveStack.After("a", bytes.AsSpan(0, length));
        });
        new EventEntities().Read(Encoding.UTF8.GetBytes("{\"payload\":{\"aIds\":" + new string('[', 5000)));
    }

    private static EventEntities Read(string json)
    {
        var reader = new EventEntities();
        reader.Read(Encoding.UTF8.GetBytes(json));
        return reader;
    }
}
