using System.Text;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Contracts.Tests.Identity;

/// <summary>Golden JSON of what log and store say of themselves.</summary>
public sealed class HistoryClaimTests
{
    private static readonly Checkpoint At = Checkpoint.FromTicks(new DateTime(2026, 11, 22, 8, 15, 30, DateTimeKind.Utc).Ticks);

    [Fact]
    public void A_request_says_what_the_store_holds()
    {
        var request = new StreamRequest(At) { Claim = new HistoryClaim("e-1", 150) };
        Is("""{"type":"sync.stream.request","since":"2026-11-22T08:15:30.0000000Z","epoch":"e-1","position":150}""", request.ToUtf8Bytes());
        Assert.Equal(request.Claim, Read("\"epoch\":\"e-1\",\"position\":150").Claim);
        Assert.True(Read("\"epoch\":null,\"position\":null").Claim.IsEmpty);
        Assert.Equal(new HistoryClaim(null, 0), Read("\"position\":0").Claim);
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("5f2b6b0f4f1d0e9c8a7b6c5d4e3f2a1b", true)]
    [InlineData("A-z_9", true)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("é", false)]
    [InlineData("a.b", false)]
    public void An_epoch_is_letters_digits_and_two_signs(string text, bool isEpoch) => Assert.Equal(isEpoch, HistoryClaim.IsEpoch(text));

    [Fact]
    public void An_epoch_has_64_characters_at_most()
        => Assert.Equal((true, false, false), (HistoryClaim.IsEpoch(new string('a', 64)), HistoryClaim.IsEpoch(new string('a', 65)), HistoryClaim.IsEpoch(null)));

    [Fact]
    public void Messages_name_the_epoch_behind_what_they_said_before()
    {
        Same(new StreamMessage.Start(7, Epoch: "e"), """{"type":"sync.stream.start","totalEvents":7,"epoch":"e"}""", new StreamMessage.Start(7, Epoch: "e").ToUtf8Bytes());
        Same(
            new StreamMessage.Complete(7, At, "d", 9, "e"),
            """{"type":"sync.stream.complete","processedEvents":7,"newCheckpoint":"2026-11-22T08:15:30.0000000Z","position":9,"digest":"d","epoch":"e"}""",
            new StreamMessage.Complete(7, At, "d", 9, "e").ToUtf8Bytes());
        var error = new StreamMessage.Error("x", ErrorCodes.HistoryChanged) { Epoch = "e", EventCount = 110 };
        Same(error, """{"type":"sync.stream.error","error":"x","code":"HISTORY_CHANGED","epoch":"e","eventCount":110}""", error.ToUtf8Bytes());

        byte[] live = [.. LiveFrame.Prefix(3, At, "e"), .. """{"id":"a"}"""u8, .. LiveFrame.Suffix];
        Is("""{"type":"sync.stream.live","before":3,"checkpoint":"2026-11-22T08:15:30.0000000Z","epoch":"e","events":[{"id":"a"}]}""", live);
        Assert.Equal("e", Assert.IsType<StreamMessage.Live>(new StreamMessageReader().Read(live, out _)).Epoch);
    }

    [Fact]
    public void A_page_names_epoch_and_position()
    {
        byte[] page = [.. EventPageBody.Prefix, .. EventPageBody.Suffix(At, false, "e", 12)];
        Is("""{"events":[],"nextCheckpoint":"2026-11-22T08:15:30.0000000Z","hasMore":false,"epoch":"e","position":12}""", page);
        var read = EventPageBody.Read(page, new SyncEventReader())!;
        Assert.Equal(("e", 12), (read.Epoch, read.Position));
    }

    private static StreamRequest Read(string fields)
        => Assert.IsType<StreamRequestReading.Accepted>(StreamRequest.Read(Encoding.UTF8.GetBytes($$"""{"type":"sync.stream.request",{{fields}}}"""))).Request;

    private static void Same(StreamMessage message, string golden, byte[] written)
    {
        Is(golden, written);
        Assert.Equal(message, new StreamMessageReader().Read(written, out _));
    }

    private static void Is(string golden, byte[] written) => Assert.Equal(golden, Encoding.UTF8.GetString(written));
}
