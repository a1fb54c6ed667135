using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.Functions.Http;
using Dequeue.Sync.Log;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Hostile;

public sealed class RequestBodiesTests
{
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int Budget = 16 * 1024 * 1024;

    private static readonly LogKey Ada = OperationHost.Log("ada");

    private readonly FakeTimeProvider _clock = new();
    private readonly MemoryBudget _memory;
    private readonly RequestBodies _bodies;

    public RequestBodiesTests()
    {
        _memory = new MemoryBudget(Budget, _clock);
        _bodies = new RequestBodies(_memory, _clock);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)]
    [InlineData(1_500_000)]
    public async Task What_is_held_follows_what_has_arrived_and_not_what_was_announced(int sent)
    {
        var stream = new BlockedStream(sends: sent);
        var reading = _bodies.ReadAsync(Request(stream, MaxBytes), Ada, MaxBytes, Cancel);
        await stream.Blocked.WaitAsync(Cancel);
        Assert.InRange(_memory.Held, sent, Math.Max(16 * 1024, 2 * sent));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.NotNull((await reading).Refusal);
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(8 * 1024 * 100, 110)]
    public async Task A_body_that_stands_still_is_408_after_ten_seconds_and_one_for_each_8_KB(int sent, int seconds)
    {
        var stream = new BlockedStream(sends: sent);
        var reading = _bodies.ReadAsync(Request(stream, MaxBytes), Ada, MaxBytes, Cancel);
        await stream.Blocked.WaitAsync(Cancel);
        _clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        Assert.False(reading.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(408, await StatusAsync((await reading).Refusal));
    }

    [Fact]
    public async Task A_user_whose_bodies_hold_a_quarter_of_all_is_503_and_another_is_served()
    {
        var streams = Enumerable.Range(0, 4).Select(_ => new BlockedStream(sends: 600_000)).ToList();
        var readings = streams.Select(stream => _bodies.ReadAsync(Request(stream, MaxBytes), Ada, MaxBytes, Cancel)).ToList();
        await Task.WhenAll(streams.Select(stream => stream.Blocked)).WaitAsync(Cancel);
        Assert.Equal(Budget / 4, _memory.Held);

        Assert.Equal(503, await StatusAsync((await _bodies.ReadAsync(Request(new MemoryStream(new byte[10]), 10), Ada, MaxBytes, Cancel)).Refusal));
        var other = await _bodies.ReadAsync(Request(new MemoryStream(new byte[700_000]), null), OperationHost.Log("bob"), MaxBytes, Cancel);
        Assert.Null(other.Refusal);
        Assert.Equal(700_000, other.Bytes.Length);
        _clock.Advance(TimeSpan.FromHours(1));
        await Task.WhenAll(readings);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, 1)]
    [InlineData(16 * 1024, 16 * 1024)]
    [InlineData(16 * 1024, null)]
    [InlineData(16 * 1024 + 1, null)]
    [InlineData(MaxBytes, MaxBytes)]
    [InlineData(MaxBytes, null)]
    public async Task A_body_up_to_the_limit_is_read_whole(int length, int? announced)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        var body = await _bodies.ReadAsync(Request(new MemoryStream(content), announced), Ada, MaxBytes, Cancel);
        Assert.Null(body.Refusal);
        Assert.Equal(content, body.Bytes.ToArray());
    }

    [Theory]
    [InlineData(MaxBytes + 1)]
    [InlineData(null)]
    public async Task A_larger_one_is_413(int? announced)
        => Assert.Equal(413, await StatusAsync((await _bodies.ReadAsync(Request(new MemoryStream(new byte[MaxBytes + 1]), announced), Ada, MaxBytes, Cancel)).Refusal));

    [Fact]
    public async Task Who_waits_for_room_gets_it_when_it_is_given_back_and_is_refused_after_two_seconds()
    {
        var all = _memory.TryTake(Ada, Budget / 4)!;
        var waiting = _memory.TakeAsync(Ada, 1000, Cancel);
        Assert.False(waiting.IsCompleted);
        all.Shrink(Budget / 4 - 1000);
        Assert.Equal(1000, (await waiting)!.Bytes);

        var late = _memory.TakeAsync(Ada, 1000, Cancel);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await late);
        all.Dispose();
        Assert.Equal(1000, _memory.Held);
    }

    [Fact]
    public async Task A_body_that_comes_too_slowly_is_408_and_one_of_impossible_chunks_is_400_over_a_real_connection()
    {
        await using var host = await OperationHost.StartAsync();
        var slow = await RawHttp.StatusAsync(host.Address, $"POST /v1/sync/push HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {OperationHost.Token("ada")}\r\nContent-Length: 100000\r\n\r\n{{\"events\":[");
        Assert.Equal(408, slow);
        foreach (var size in new[] { "FFFFFFFFFFFFFFFF", "80000000", "7FFFFFFFF", "-1", "xyz" })
        {
            var status = await RawHttp.StatusAsync(
                host.Address, $"POST /v1/sync/push HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {OperationHost.Token("ada")}\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{{");
            Assert.Equal((size, 400), (size, status));
        }

        Assert.DoesNotContain(host.Lines.All, line => line.Id == 102);
    }

    private static HttpRequest Request(Stream body, int? length)
    {
        var request = new DefaultHttpContext().Request;
        (request.Body, request.ContentLength) = (body, length);
        return request;
    }

    private static async Task<int> StatusAsync(IResult? refusal)
    {
        await using var services = new ServiceCollection().AddLogging().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        await refusal!.ExecuteAsync(context);
        if (context.Response.StatusCode == 503) Assert.Equal("1", context.Response.Headers.RetryAfter);
        return context.Response.StatusCode;
    }
}
