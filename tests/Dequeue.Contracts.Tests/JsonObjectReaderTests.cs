using System.Text;
using System.Text.Json;

namespace Dequeue.Contracts.Tests;

public sealed class JsonObjectReaderTests
{
    [Fact]
    public void Members_are_read_one_by_one_and_what_nobody_takes_is_skipped()
    {
        var json = Begin("""{"a":{"x":[1,{"b":2}]},"b":"text","c":[[],[3]],"d":7,"e":true,"f":null,"g":"2026-11-28T08:00:00Z"}""");
        var names = new List<string>();
        while (json.Next())
        {
            if (json.Is("b"u8)) names.Add("b " + json.Text());
            else if (json.Is("d"u8)) names.Add("d " + json.WholeNumber());
            else if (json.Is("e"u8)) names.Add("e " + json.Boolean());
            else if (json.Is("f"u8)) names.Add("f " + json.IsNull);
            else if (json.Is("g"u8)) names.Add("g " + json.Position());
            else names.Add(json.Kind.ToString());
        }

        json.End();
        Assert.Equal(["StartObject", "b text", "StartArray", "d 7", "e True", "f True", "g 2026-11-28T08:00:00.0000000Z"], names);
    }

    [Fact]
    public void Names_and_texts_are_what_they_say_however_they_are_escaped()
    {
        var json = Begin("""{"\u0061":"\u0032026-11-28T08:00:00\u005a","a":"\/"}""");
        Assert.True(json.Next() && json.Is("a"u8) && json.IsText("2026-11-28T08:00:00Z"u8));
        Assert.Equal("2026-11-28T08:00:00.0000000Z", json.Position().ToString());
        Assert.True(json.Next() && json.Is("a"u8));
        Assert.Equal("/", json.Text());
        Assert.False(json.Next());
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("1.0")]
    [InlineData("1e2")]
    [InlineData("9223372036854775808")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    public void A_value_that_is_not_what_is_asked_for_is_null_and_is_passed(string value)
    {
        var json = Begin($$"""{"a":{{value}},"b":1}""");
        Assert.True(json.Next());
        Assert.Null(json.Text());
        Assert.Null(json.WholeNumber());
        Assert.Null(json.Boolean());
        Assert.Null(json.Position());
        Assert.True(json.Next() && json.Is("b"u8) && json.WholeNumber() == 1);
        Assert.False(json.Next());
        json.End();
    }

    [Fact]
    public void What_is_entered_is_walked_or_left_and_the_members_after_it_come()
    {
        var json = Begin("""{"o":{"i":1,"j":{"k":[0]}},"l":[{"m":1},[2],3],"t":["x","y"],"u":["x",["y"],"z"],"v":["x","y","z"],"end":0}""");
        Assert.True(json.Next() && json.EnterObject());
        Assert.True(json.Next() && json.Is("i"u8) && json.Next() && json.Is("j"u8) && !json.Next());
        Assert.True(json.Next() && json.Is("l"u8) && !json.EnterObject() && json.EnterArray());
        var (items, depth) = (0, json.Depth);
        while (json.NextItem()) items++;
        Assert.Equal(3, items);
        Assert.Equal(1, depth);
        Assert.True(json.Next() && json.Is("t"u8));
        Assert.Equal(["x", "y"], json.Texts(2));
        Assert.True(json.Next() && json.Is("u"u8) && json.Texts(3) is null);
        Assert.True(json.Next() && json.Is("v"u8) && json.Texts(2) is null);
        Assert.True(json.Next() && json.Is("end"u8) && json.WholeNumber() == 0 && !json.Next());
        json.End();
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("\"{}\"")]
    public void What_is_no_object_is_none(string text) => Assert.False(JsonObjectReader.TryBegin(Encoding.UTF8.GetBytes(text), out _));

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("{\"a\":}")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{\"a\":1} {}")]
    [InlineData("{\"a\":[1,[2}")]
    [InlineData("{\"a\":[[[[[[]]]]]]}")]
    public void What_is_malformed_or_too_deep_throws_for_the_whole(string text)
        => Assert.ThrowsAny<JsonException>(() =>
        {
            if (!JsonObjectReader.TryBegin(Encoding.UTF8.GetBytes(text), out var json, maxDepth: 5)) return;
            while (json.Next())
            {
            }

            json.End();
        });

    private static JsonObjectReader Begin(string text)
    {
        Assert.True(JsonObjectReader.TryBegin(Encoding.UTF8.GetBytes(text), out var json));
        return json;
    }
}
