using System.IO.Compression;
using System.Text;
using Azure.Core.Pipeline;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.SampleEvents;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Streaming;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using EventId = Dequeue.Contracts.EventId;

namespace Dequeue.Storage.Tests.AzureBlobs;

public sealed class PageOffersTests(BlobFixture fixture, SqliteFixture sqlite) : IClassFixture<BlobFixture>, IClassFixture<SqliteFixture>
{
    private static int _users;
    private readonly EventLog _events = new(sqlite.Table, TimeProvider.System, NullLogger<EventLog>.Instance);
    private readonly List<string> _warnings = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pages_keep_their_order_and_bytes_whether_they_are_offered_or_not(bool packed)
    {
        var (log, head, pushed) = await LogAsync(6_500);
        using var link = new Link();

        var pages = await ReadAsync(Offers(link, BlobFixture.Clock()), log, head, packed);

        Assert.Empty(_warnings);
        Assert.Equal(head.SealedThrough, pages.Last(page => page.Reference is not null).Last);
        Assert.All(pages, page => Assert.Equal(page.Last <= head.SealedThrough, page.Reference is not null));
        Assert.Equal(pushed, await TextAsync(pages));
        Assert.InRange(link.MostAtOnce, 2, PageOffers.UploadsAtOnce);
    }

    [Fact]
    public async Task When_the_link_breaks_the_rest_comes_inline_and_nothing_is_tried_for_a_minute()
    {
        var (log, head, pushed) = await LogAsync(8_200);
        var clock = BlobFixture.Clock();
        using var link = new Link();
        var offers = Offers(link, clock);
        var plan = new StreamPlan(Checkpoint.Beginning, head.Last, head.Count, head.Count) { Bytes = 1, SealedThrough = head.SealedThrough };

        await ReadAsync(offers, log, head, packed: false);
        link.BreaksAfter = link.Calls + 3;
        var pages = await ReadAsync(offers, log, head, packed: false);

        Assert.Equal(pushed, await TextAsync(pages));
        Assert.InRange(pages.Count(page => page.Reference is not null), 1, 3);
        Assert.Single(_warnings);
        Assert.Equal(Checkpoint.Beginning, offers.Through(plan));

        var calls = link.Calls;
        clock.Advance(RestingShelf.Rest - TimeSpan.FromSeconds(1));
        Assert.All(await ReadAsync(offers, log, head, packed: false), page => Assert.Null(page.Reference));
        Assert.Equal(calls, link.Calls);

        link.BreaksAfter = int.MaxValue;
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(head.SealedThrough, offers.Through(plan));
        Assert.Contains(await ReadAsync(offers, log, head, packed: false), page => page.Reference is not null);
        Assert.Single(_warnings);
    }

    [Fact]
    public async Task Who_leaves_early_leaves_nothing_running()
    {
        var (log, head, _) = await LogAsync(5_200);
        using var link = new Link();
        await foreach (var page in Pages(Offers(link, BlobFixture.Clock()), log, head, packed: true))
        {
            Assert.NotNull(page.Reference);
            break;
        }

        Assert.Equal(0, link.UnderWay);
    }

    [Fact]
    public async Task Two_logs_never_share_a_page()
    {
        using var link = new Link();
        var offers = Offers(link, BlobFixture.Clock());
        var folders = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            var (log, head, _) = await LogAsync(1_100);
            var url = new Uri((await ReadAsync(offers, log, head, packed: true)).First(page => page.Reference is not null).Reference!.Url);
            folders.Add(url.Segments[^2]);
            Assert.DoesNotContain(log.User.Value, url.AbsoluteUri, StringComparison.Ordinal);
        }

        Assert.Equal(2, folders.Count);
    }

    private PageOffers Offers(Link link, TimeProvider clock)
        => new(
            PageShelfStorage.Open(fixture.Setting, BlobFixture.UrlLife, clock, null, fixture.NewContainer(), new HttpClientTransport(link)),
            0, clock, new Warnings(_warnings));

    private async Task<(LogKey Log, LogHead Head, List<string> Events)> LogAsync(int count)
    {
        var log = new LogKey(AppId.Parse("dequeue"), UserId.Parse($"reader-{Interlocked.Increment(ref _users)}"));
        var events = new EventGenerator(new EventGeneratorOptions { Seed = _users, UserId = log.User.Value }).Generate(count).ToList();
        foreach (var push in events.Chunk(1000))
            await _events.AppendAsync(log, [.. push.Select((json, i) => new NewEvent(EventId.Parse(Id(json)), json, 1))], Stop);
        return (log, await _events.ReadHeadAsync(log, Stop), [.. events.Select(Encoding.UTF8.GetString)]);
    }

    private static string Id(byte[] json)
    {
        using var e = System.Text.Json.JsonDocument.Parse(json);
        return e.RootElement.GetProperty("id").GetString()!;
    }

    private IAsyncEnumerable<EventPage> Pages(PageOffers offers, LogKey log, LogHead head, bool packed)
        => offers.OfferAsync(
            log, _events.ReadPackedAsync(log, Checkpoint.Beginning, head.Last, Stop), new OfferRule(head.SealedThrough, 1000, packed), Stop);

    private async Task<List<EventPage>> ReadAsync(PageOffers offers, LogKey log, LogHead head, bool packed)
    {
        var pages = new List<EventPage>();
        await foreach (var page in Pages(offers, log, head, packed)) pages.Add(page);
        return pages;
    }

    /// <summary>The events of pages, fetched from where they are, with every digest checked.</summary>
    private async Task<List<string>> TextAsync(List<EventPage> pages)
    {
        var events = new List<string>();
        foreach (var page in pages)
        {
            if (page.Reference is not { } reference)
            {
                events.AddRange(Enumerable.Range(0, page.Count).Select(i => Encoding.UTF8.GetString(page.Unpack().EventAt(i).Span)));
                continue;
            }

            await using var body = new GZipStream(await fixture.Http.GetStreamAsync(new Uri(reference.Url), Stop), CompressionMode.Decompress);
            using var json = await System.Text.Json.JsonDocument.ParseAsync(body, cancellationToken: Stop);
            using var digest = new EventDigest();
            foreach (var e in json.RootElement.EnumerateArray())
            {
                events.Add(e.GetRawText());
                digest.Append(Encoding.UTF8.GetBytes(events[^1]));
            }

            Assert.Equal(reference.Digest, digest.ToString());
            Assert.Equal(reference.Count, json.RootElement.GetArrayLength());
        }

        return events;
    }

    /// <summary>The way to the blob server; it may break.</summary>
    private sealed class Link : DelegatingHandler
    {
        private readonly Lock _gate = new();

        public Link()
            : base(new HttpClientHandler())
        {
        }

        /// <summary>Calls that get through before it breaks.</summary>
        public int BreaksAfter { get; set; } = int.MaxValue;

        public int Calls { get; private set; }

        public int UnderWay { get; private set; }

        public int MostAtOnce { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                MostAtOnce = Math.Max(MostAtOnce, ++UnderWay);
                if (++Calls > BreaksAfter)
                {
                    UnderWay--;
                    throw new HttpRequestException("The link is broken.");
                }
            }

            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            finally
            {
                lock (_gate) UnderWay--;
            }
        }
    }

    private sealed class Warnings(List<string> warnings) : ILogger<PageOffers>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (warnings) warnings.Add(formatter(state, exception));
        }
    }
}
