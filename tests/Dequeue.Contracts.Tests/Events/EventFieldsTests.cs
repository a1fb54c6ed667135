using System.Text;
using System.Text.Json;
using CsCheck;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Tests.Events;

public sealed class EventFieldsTests
{
    [Fact]
    public void The_envelope_is_read_in_any_order_and_the_rest_is_ignored()
    {
        const string json = """
            { "x": [{"id":"inner"}], "payload" : {"id":"no","type":"no","deep":[1,{"ts":2}]} , "payload_version":2,"device_id":"d","user_id":"u",
              "ts":"2026-01-01T00:00:00.000Z","type":"task.created","id":"e1" }
            """;
        var fields = Read(json);

        Assert.Equal("e1", fields.Id);
        Assert.Equal("task.created", fields.Type.GetString());
        Assert.Equal("2026-01-01T00:00:00.000Z", fields.Timestamp.GetString());
        Assert.Equal("u", fields.UserId.GetString());
        Assert.Equal("d", fields.DeviceId.GetString());
        Assert.Equal(2, fields.PayloadVersion);
        Assert.Equal(JsonTokenType.StartObject, fields.PayloadKind);
        Assert.Equal(json.Trim(), Encoding.UTF8.GetString(fields.Json));
        Assert.False(fields.IsAmbiguous);
    }

    [Fact]
    public void Escaped_names_and_values_mean_what_they_say()
    {
        var fields = Read("""{"\u0069d":"a\u002Db","t\u0079pe":"\u0074ask","user\u005fid":"\u00e9\n","payload\u005fversion":3,"\u0070ayload":null,"device_i\u0064":"x","t\u0073":"y"}""");

        Assert.Equal("a-b", fields.Id);
        Assert.True(fields.Type.Equals("task"u8));
        Assert.Equal("é\n", fields.UserId.GetString());
        Assert.Equal(3, fields.PayloadVersion);
        Assert.Equal(JsonTokenType.Null, fields.PayloadKind);
        Assert.True(fields.DeviceId.Equals("x"u8) && fields.Timestamp.Equals("y"u8));
    }

    [Fact]
    public void Missing_fields_are_absent()
    {
        var fields = Read("{}");
        Assert.Null(fields.Id);
        Assert.Null(fields.PayloadVersion);
        Assert.False(fields.Type.IsPresent || fields.Timestamp.IsPresent || fields.UserId.IsPresent || fields.DeviceId.IsPresent);
        Assert.Null(fields.Type.GetString());
        Assert.Equal(JsonTokenType.None, fields.PayloadKind);
    }

    [Theory]
    [InlineData("""{"id":1,"type":true,"ts":null,"user_id":[],"device_id":{}}""")]
    [InlineData("""{"id":{"id":"x"},"type":["x"],"ts":1.5,"user_id":0,"device_id":false}""")]
    public void A_string_field_that_is_no_string_is_absent(string json)
    {
        var fields = Read(json);
        Assert.Null(fields.Id);
        Assert.False(fields.Type.IsPresent || fields.Timestamp.IsPresent || fields.UserId.IsPresent || fields.DeviceId.IsPresent);
    }

    [Theory]
    [InlineData("2", 2)]
    [InlineData("-1", -1)]
    [InlineData("2.0", null)]
    [InlineData("2e0", null)]
    [InlineData("\"2\"", null)]
    [InlineData("null", null)]
    [InlineData("4294967296", null)]
    [InlineData("99999999999999999999999", null)]
    public void A_version_is_a_32_bit_integer_or_absent(string version, int? expected)
        => Assert.Equal(expected, Read($$"""{"payload_version":{{version}}}""").PayloadVersion);

    [Theory]
    [InlineData("""{"id":"a","id":"b"}""", true)]
    [InlineData("""{"id":"a","\u0069d":"b"}""", true)]
    [InlineData("""{"payload":{},"payload":{}}""", true)]
    [InlineData("""{"payload_version":1,"payload_version":1}""", true)]
    [InlineData("""{"other":"a","other":"b"}""", false)]
    [InlineData("""{"id":"a","payload":{"id":"b","id":"c"}}""", false)]
    public void An_envelope_field_that_stands_twice_is_told(string json, bool isAmbiguous)
        => Assert.Equal(isAmbiguous, Read(json).IsAmbiguous);

    [Theory]
    [InlineData("""{"id":"\ud800"}""")]
    [InlineData("""{"id":"\udc00\ud800"}""")]
    public void A_lone_surrogate_is_no_id(string json) => Assert.Null(Read(json).Id);

    [Fact]
    public void Names_that_are_no_unicode_are_names_of_other_fields()
        => Assert.Equal("a", Read("""{"\ud800":1,"\ud800d":2,"\udc00\ud800":3,"\ud800\u0061":3,"id":"a"}""").Id);

    [Fact]
    public void Bytes_that_are_no_utf8_are_no_text()
    {
        byte[] json = [.. "{\"id\":\""u8, 0xC3, 0x28, .. "\",\"type\":\"\\u0061"u8, 0xFF, .. "\",\"ts\":\"ok\"}"u8];
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var fields = EventFields.Read(ref reader, json);

        Assert.Null(fields.Id);
        Assert.Null(fields.Type.GetString());
        Assert.Equal("ok", fields.Timestamp.GetString());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"id":"a" """)]
    [InlineData("""{"id":"a",}""")]
    [InlineData("""{"id":01}""")]
    [InlineData("""{"payload":{"a":}}""")]
    [InlineData("""{"payload":tru}""")]
    [InlineData("{\"payload\":\"\n\"}")]
    [InlineData("""{"id":"a"//x""")]
    public void Bad_json_throws(string json) => Assert.ThrowsAny<JsonException>(() => { Read(json); });

    [Fact]
    public void Nesting_beyond_the_limit_throws_instead_of_overflowing()
    {
        Assert.Equal("a", Read($$"""{"payload":{{new string('[', 60)}}{{new string(']', 60)}},"id":"a"}""").Id);
        Assert.ThrowsAny<JsonException>(() => { Read($$"""{"payload":{{new string('[', 10_000)}}"""); });
    }

    [Fact]
    public void It_agrees_with_a_document_whatever_the_values()
        => Gen.Select(Gen.String, Gen.String, Gen.Int).Sample(static (id, type, version) =>
        {
            var wellFormed = (string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            var json = JsonSerializer.Serialize(new { type = wellFormed(type), id = wellFormed(id), payload_version = version, payload = new { id } });
            var fields = Read(json);
            return fields.Id == wellFormed(id) && fields.Type.GetString() == wellFormed(type) && fields.PayloadVersion == version
                && fields.Type.Equals(Encoding.UTF8.GetBytes(type)) && fields.Json.Length == Encoding.UTF8.GetByteCount(json);
        });

    private static EventFields Read(string json)
    {
        var utf8 = Encoding.UTF8.GetBytes(json);
        var reader = new Utf8JsonReader(utf8);
        reader.Read();
        return EventFields.Read(ref reader, utf8);
    }
}
