using System.IO.Compression;
using CsCheck;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Log.Compaction;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Tests.Log;

/// <summary>The formats of stored rows. A change here breaks every log that exists: it needs a migration, not a new expectation.</summary>
public sealed class LogRowsTests
{
    [Theory]
    [InlineData("dequeue", "auth0|64f", "dequeue:auth0|64f")]
    [InlineData("com.app", "Ann.B_c-d@example.org", "com.app:Ann.B_c-d@example.org")]
    [InlineData("a", "b:c", "a:b~3Ac")]
    [InlineData("a", "b~3Ac", "a:b~7E3Ac")]
    [InlineData("a", "b/c\\d#e?f", "a:b~2Fc~5Cd~23e~3Ff")]
    [InlineData("a", "é😀 %", "a:~C3~A9~F0~9F~98~80~20~25")]
    public void The_partition_of_a_log(string app, string user, string expected) => Assert.Equal(expected, LogRows.Partition(Log(app, user)));

    [Fact]
    public void The_partition_of_a_user_with_a_very_long_name_in_another_script()
    {
        var user = new string('語', UserId.MaxLength);
        Assert.Equal("dequeue:~~c148ac265f65c9a94267d47690692ff79c637ee4d135067ab6e08d3ad839059d", LogRows.Partition(Log("dequeue", user)));
        Assert.NotEqual(LogRows.Partition(Log("dequeue", user)), LogRows.Partition(Log("dequeue", user[1..] + "言")));
    }

    [Fact]
    public void No_two_logs_share_a_partition_and_every_one_is_a_key_that_Azure_takes()
    {
        // Few characters, chosen to collide: separators, escapes and what they stand for.
        var user = Gen.String[Gen.Char["~:|/%3A7Ea\u00e9\u8a9e"], 1, 6];
        var app = Gen.String[Gen.Char[".-aA"], 1, 2];
        var log = Gen.Select(app, user, Log);
        Gen.Select(log, log).Sample((a, b) => (a == b) == (LogRows.Partition(a) == LogRows.Partition(b)), iter: 20_000);

        var anyUser = Gen.String[Gen.Char[' ', '\ud7ff'], 1, UserId.MaxLength].Where(text => UserId.TryParse(text, out _));
        Gen.Select(Gen.Const(new string('a', AppId.MaxLength)), anyUser, Log).Sample(
            key =>
            {
                var partition = LogRows.Partition(key);
                return partition.Length <= TableLimits.KeyChars && partition.All(c => char.IsAsciiLetterOrDigit(c) || "._@|-~:".Contains(c));
            });
    }

    [Fact]
    public void Row_keys()
    {
        Assert.Equal("head", LogRows.Head);
        Assert.Equal("p0638999999999999999", LogRows.Page(638999999999999999));
        Assert.Equal("p3155378975999999999", LogRows.Page(DateTime.MaxValue.Ticks));
        Assert.Equal("icjld2cjxh0000qzrmn831i7rn", LogRows.Id(EventId.Parse("cjld2cjxh0000qzrmn831i7rn")));
        Assert.Equal(638999999999999999, LogRows.PageTick("p0638999999999999999"));
        Assert.Null(LogRows.PageTick("p063899999999999999"));
        Assert.Null(LogRows.PageTick("p06389999999999999 9"));

        var stack = EntityKey.Of("cjld2cjxh0000qzrmn831i7rn");
        Assert.Equal("e719d3bbfe18bfeaa026ce2d8874ec6180638999999999999999", LogRows.Entity(stack, 638999999999999999));
        Assert.Equal(638999999999999999, LogRows.EntityPageTick(LogRows.Entity(stack, 638999999999999999)));
        Assert.Null(LogRows.EntityPageTick("e719d3bbfe18bfeaa026ce2d8874ec618063899999999999999x"));
        Assert.Null(LogRows.EntityPageTick("ebb"));

        // Pages sort by time, between what comes before and after them; index rows, heads and ids are elsewhere.
        string[] sorted = ["e", LogRows.Entity(new EntityKey(0), 0), LogRows.Entity(stack, 9), LogRows.Entity(stack, 10), LogRows.Entity(new EntityKey(UInt128.MaxValue), long.MaxValue), "f", "head", "i", "iz", "j", LogRows.Page(0), LogRows.Page(9), LogRows.Page(10), LogRows.Page(long.MaxValue), "q", LogRows.BeforeRuns, LogRows.Run(2, 9), LogRows.Run(2, 10), LogRows.AfterRun(2), LogRows.Run(10, 1), LogRows.AfterRuns, LogRows.Runs];
        Assert.Equal(sorted, sorted.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_head_row()
    {
        var head = new HeadRow(
            new LogHead(1003, Checkpoint.FromTicks(638999999999999999), "abc", 1_700_000_000_000),
            [new TailPage(638999999999999900, 2, 301), new TailPage(638999999999999999, 1, 150)],
            null);
        var row = Assert.IsType<RowOperation.Insert>(head.Commit(HeadRow.None)).Row;
        Assert.Equal("head", row.Key);
        Assert.Equal("id=abc n=1003 t=638999999999999999 tail=9CFFE5DBD4E38BEF0802AD0263019601 ts=1700000000000", Text(row));

        var read = HeadRow.From(row);
        Assert.Equal((head.Head, null), (read.Head, read.ETag));
        Assert.Equal(head.Tail, read.Tail);
        Assert.IsType<RowOperation.Replace>(head.Commit(read with { ETag = "1" }));

        // One that an older version wrote: it tells no digest, and is carried on without one.
        Assert.Equal((null, null, Checkpoint.Beginning, null), (read.Head.Digest, read.Head.Bytes, read.Head.SealedThrough, read.Head.ActiveStackId));
        Assert.Equal(head.Head.Last, HeadRow.From(row.Set("tail", Array.Empty<byte>())).Head.SealedThrough);
        Assert.Null(read.Digest);
    }

    [Fact]
    public void The_head_row_tells_digest_bytes_seal_index_and_active_stack()
    {
        NewEvent[] events = [new(EventId.Parse("a"), "{\"id\":\"a\"}"u8.ToArray(), 1), new(EventId.Parse("bc"), "{\"id\":\"bc\"}"u8.ToArray(), 1)];
        var digest = RunningDigest.Empty.Append(events[..1]).Append(events[1..]);
        var told = new LogHead(2, Checkpoint.FromTicks(638999999999999999), "bc", 1) { Digest = digest.Hex, Bytes = digest.Bytes, SealedThrough = Checkpoint.FromTicks(638999999999999998), ActiveStackId = "s\u00e9" };
        var head = new HeadRow(told, [new TailPage(638999999999999999, 1, 11)], null) { Digest = digest, Indexed = Checkpoint.FromTicks(638999999999999997) };
        var row = Assert.IsType<RowOperation.Insert>(head.Commit(HeadRow.None)).Row;
        Assert.Equal(
            "a=73C3A9 h=6A09E667BB67AE853C6EF372A54FF53A510E527F9B05688C1F83D9AB5BE0CD197B226964223A2261227D0A7B226964223A226263227D0A id=bc n=2 "
                + "s=638999999999999998 t=638999999999999999 tail=FFFFE5DBD4E38BEF08010B ts=1 x=638999999999999997 z=21",
            Text(row));
        Assert.Equal("252413906888513ffc52f34c3ff726aea42f854fc88ba42879bbc01222f81c52", head.Head.Digest);
        var read = HeadRow.From(row);
        Assert.Equal((head.Head, head.Indexed), (read.Head, read.Indexed));

        Assert.Throws<LogCorruptException>(() => HeadRow.From(row.Set("z", 22L)));
        Assert.Throws<LogCorruptException>(() => HeadRow.From(row.Set("z", 21L).Set("s", 638999999999999999 + 1)));
        Assert.Throws<LogCorruptException>(() => HeadRow.From(row.Set("s", 638999999999999998).Set("x", 5L)));
    }

    [Fact]
    public void The_epoch_stands_in_the_head_and_in_a_row_of_its_own()
    {
        var row = Assert.IsType<RowOperation.Insert>(new HeadRow(new LogHead(1, Checkpoint.FromTicks(638999999999999999), "a", 1) { Epoch = "e-1" }, [], null).Commit(HeadRow.None)).Row;
        Assert.Equal("id=a n=1 t=638999999999999999 tail= ts=1 u=e-1", Text(row));
        Assert.Equal("e-1", HeadRow.From(row).Head.Epoch);
        Assert.Throws<LogCorruptException>(() => HeadRow.From(row.Set("u", "no epoch")));

        var kept = EpochRow.Create("e-1");
        Assert.Equal(("log", "u=e-1"), (kept.Key, Text(kept)));
        string[] sorted = ["j", LogRows.Epoch, LogRows.Page(0)];
        Assert.Equal(sorted, sorted.Order(StringComparer.Ordinal));
        Assert.NotEqual(EpochRow.NewEpoch(), EpochRow.NewEpoch());
        Assert.True(HistoryClaim.IsEpoch(EpochRow.NewEpoch()));
    }

    [Fact]
    public void An_index_row()
    {
        var (stack, one, two, page) = (EntityKey.Of("s"), EntityKey.Of("t1"), EntityKey.Of("t2"), 638999999999999999);
        EntityEvent[] events = [new(page, page - 300, null), new(page, page - 200, one), new(page, page - 1, two), new(page, page, one)];
        var row = EntityRow.Create(stack, events);
        Assert.Equal($"e{stack}0{page}", row.Key);
        Assert.Equal($"k={one.ToString().ToUpperInvariant()}{two.ToString().ToUpperInvariant()} m=AC02006401C701020101", Text(row));
        Assert.Equal(events, EntityRow.Read(row));
        Assert.Equal("m=0000", Text(EntityRow.Create(stack, [new(page, page, null)])));

        byte[][] damaged = [[], [0], [0, 3], [0, 0, 0, 0], [0, 0, 1, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0], [0, 0xFF]];
        foreach (var bytes in damaged) Assert.Throws<LogCorruptException>(() => EntityRow.Read(row.Set("m", bytes)));
        Assert.Throws<LogCorruptException>(() => EntityRow.Read(new TableRow("e5").Set("m", new byte[] { 0, 0 })));
    }

    [Fact]
    public void A_page_row()
    {
        var page = new EventPage(1000, "{\"id\":\"a\"},{\"id\":\"bc\"}"u8.ToArray(), [10, 22], [638999999999999900, 638999999999999999]);
        var row = PageFormat.Encode(page);
        Assert.Equal("p0638999999999999999", row.Key);
        var segment = row.BytesOf("d00")!.Value.ToArray();
        Assert.Equal("0000FFFF", Convert.ToHexString(segment[^4..]));
        using var inflate = new DeflateStream(new MemoryStream(segment), CompressionMode.Decompress);
        var json = new byte[22];
        inflate.ReadExactly(json);
        Assert.Equal(page.Json.ToArray(), json);

        // The compressed bytes themselves may differ from one version of zlib to the next.
        row.Set("d00", 0);
        Assert.Equal(
            "b=1000 c=925618263 d00=0 f=638999999999999900 h=252413906888513FFC52F34C3FF726AEA42F854FC88BA42879BBC01222F81C52 m=0A000B63 n=2 z=22",
            Text(row));
    }

    [Fact]
    public void A_row_of_a_run()
    {
        Assert.Equal(638999999999999999, LogRows.RunTick("r0000000012" + "0638999999999999999"));
        Assert.Null(LogRows.RunTick("r0000000012063899999999999999x"));
        var page = new EventPage(1000, "{\"id\":\"a\"},{\"id\":\"bc\"},{}"u8.ToArray(), [10, 22, 25], [638999999999999900, 638999999999999950, 638999999999999999]);
        EventMark[] marks = [new(MarkKind.State, EntityKey.Of("task\"t1"), 300), default, new(MarkKind.Entity, EntityKey.Of("task\"t2"), 299)];
        var row = RunRow.Encode(12, 638999999999999000, page, marks);
        Assert.Equal("r00000000120638999999999999999", row.Key);
        row.Set("d00", 0);
        Assert.Equal(
            $"a=638999999999999000 b=1000 c=-1 d00=0 f=638999999999999900 k={EntityKey.Of("task\"t1")}{EntityKey.Of("task\"t2")} m=0A000B320231 n=3 q=-1 v=02D804000101 z=25".ToUpperInvariant(),
            Text(new[] { "c", "q" }.Aggregate(row, (changed, column) => changed.Set(column, -1))).ToUpperInvariant());
        row = RunRow.Encode(12, 638999999999999000, page, marks);
        Assert.Equal(marks, RunRow.Marks(row, 3));
        Assert.Equal(638999999999999000, RunRow.After(row));
        Assert.Throws<LogCorruptException>(() => RunRow.After(row.Set("a", 1L)));
    }

    [Fact]
    public void The_list_of_runs()
    {
        var (first, second) = (Checkpoint.FromTicks(638999999999999000), Checkpoint.FromTicks(638999999999999300));
        var list = new RunList([new Run(7, Checkpoint.Beginning, first, 20_000), new Run(9, first, second, 300)], [new Run(7, Checkpoint.Beginning, first, 20_000)], 11, null) { Writing = 10 };
        var row = Assert.IsType<RowOperation.Insert>(list.Commit(RunList.None)).Row;
        Assert.Equal("runs", row.Key);
        Assert.Equal("c=-1931530996 n=11 o=0798F88F9EF5E4AB1FA09C01 r=0798F88F9EF5E4AB1FA09C0109AC02AC02 w=10", Text(row));
        var read = RunList.From(row);
        Assert.Equal(list.Current, read.Current);
        Assert.Equal(list.Previous, read.Previous);
        Assert.Equal((11, 10), (read.NextId, read.Writing));
        Assert.Same(read.Current, read.Within(second));
        Assert.Same(read.Previous, read.Within(first));
        Assert.Empty(read.Within(Checkpoint.FromTicks(first.Ticks - 1)));
        Assert.Throws<LogCorruptException>(() => RunList.From(row.Set("o", Array.Empty<byte>())));
    }

    [Fact]
    public void An_id_row()
        => Assert.Equal("t=638999999999999999", Text(IdRow.Create(EventId.Parse("abc"), Checkpoint.FromTicks(638999999999999999))));

    [Fact]
    public void A_head_row_with_impossible_values_is_refused()
    {
        var row = Assert.IsType<RowOperation.Insert>(new HeadRow(new LogHead(1, Checkpoint.FromTicks(638999999999999999), "a", 1), [new TailPage(5, 1, 1)], null).Commit(HeadRow.None)).Row;
        Assert.Equal(1, HeadRow.From(row).Head.Count);
        Assert.Throws<LogCorruptException>(() => HeadRow.From(new TableRow("head")));
        Assert.Throws<LogCorruptException>(() => HeadRow.From(Copy().Set("n", -1L)));
        Assert.Throws<LogCorruptException>(() => HeadRow.From(Copy().Set("t", 5L)));
        Assert.Throws<LogCorruptException>(() => HeadRow.From(Copy().Set("tail", new byte[] { 0xFF })));
        Assert.Throws<LogCorruptException>(() => HeadRow.From(Copy().Set("tail", new byte[] { 1, 0, 1 })));

        TableRow Copy()
        {
            var copy = new TableRow("head");
            foreach (var (name, value) in row.Properties) _ = value is long number ? copy.Set(name, number) : value is ReadOnlyMemory<byte> bytes ? copy.Set(name, bytes) : copy.Set(name, (string)value);
            return copy;
        }
    }

    [Fact]
    public void A_key_is_never_that_of_another_app_whose_name_begins_alike()
        => Assert.NotEqual(LogRows.Partition(Log("a", "b")), LogRows.Partition(Log("a.b", "b")));

    private static LogKey Log(string app, string user) => new(AppId.Parse(app), UserId.Parse(user));

    private static string Text(TableRow row) => string.Join(' ', row.Properties.OrderBy(property => property.Key, StringComparer.Ordinal).Select(
        property => $"{property.Key}={(property.Value is ReadOnlyMemory<byte> bytes ? Convert.ToHexString(bytes.Span) : property.Value)}"));
}
