using System.Text;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.ShippedApp;

namespace Dequeue.EndToEnd.Tests.Rest;

/// <summary>The server keeps an event as it was pushed.</summary>
public sealed class VerbatimTests(Backend backend)
{
    private static readonly string[] Hostile =
    [
        """{"id":"v1","user_id":"USER","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"float":1.0,"exp":1E+2,"big":12345678901234567890123,"past53":9007199254740993,"neg":-0.0},"payload_version":2}""",
        """{"payload_version":2,"payload":{"z":1,"a":2,"m":[]},"type":"t","ts":"2026-01-01T00:00:00.123456789+02:00","app_id":"x","device_id":"d","user_id":"USER","id":"v2"}""",
        """{"id":"v3","user_id":"USER","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"esc":"\u00e9\/\ud83d\ude00\u2028","raw":"é😀/ ","lone":"\ud800"},"payload_version":2}""",
        """{"id":"v4","user_id":"USER","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"dup":1,"dup":2},"payload_version":3,"unknown":{"deep":[[[null]]]},"":true}""",
        """{"id":"v5","user_id":"USER","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"text":"a \" b , c ] } [ {  \\"},"payload_version":2}""",
    ];

    [Fact]
    public async Task Numbers_Unicode_key_order_and_unknown_fields_come_back_byte_for_byte()
    {
        var user = backend.NewUser();
        var events = Hostile.Select(text => text.Replace("USER", user.Id.Value, StringComparison.Ordinal)).ToList();
        using var pushed = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', events)}}]}""");
        var app = new ShippedAppClient(user.StreamUrl, backend.Http, user.Token);
        await app.StreamAsync(TestContext.Current.CancellationToken);
        using var page = await user.GetAsync("/v1/sync/events?limit=1000");

        Assert.Equal(5, (await TestUser.JsonOf(pushed)).GetProperty("acknowledged").GetArrayLength());
        Assert.Equal(events, app.Applied);
        Assert.StartsWith($$"""{"events":[{{string.Join(',', events)}}],"nextCheckpoint":""", await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Insignificant_white_space_goes_and_an_empty_user_is_filled_in_and_nothing_else_changes()
    {
        var user = backend.NewUser();
        const string Loose = """
            { "id" : "w1" , "user_id" : "" , "ts" : "2026-01-01T00:00:00Z" , "type" : "t  t" ,
              "payload" : { "s" : " keep  me " , "n" : [ 1 , 2 ] } , "payload_version" : 2 }
            """;
        const string Absent = """{"id":"w2","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""";
        using var pushed = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{Loose}},{{Absent}}]}""");
        using var page = await user.GetAsync("/v1/sync/events");
        var body = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        var expected = $$"""
            {"events":[{"id":"w1","user_id":"{{user.Id}}","ts":"2026-01-01T00:00:00Z","type":"t  t","payload":{"s":" keep  me ","n":[1,2]},"payload_version":2},{"user_id":"{{user.Id}}","id":"w2","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}],
            """;
        Assert.StartsWith(expected, body, StringComparison.Ordinal);
    }
}
