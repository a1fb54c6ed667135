using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests;

/// <summary>What every storage must do, as Azure Tables does it.</summary>
public abstract class TableConformance(ITableFixture fixture)
{
    private static int _partitions;

    private readonly string _partition = $"p{Interlocked.Increment(ref _partitions)}";

    protected IPartitionedTable Table { get; } = fixture.Table;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_row_comes_back_with_every_type_of_property()
    {
        byte[] bytes = [0, 1, 255];
        await CommitAsync(Insert(new TableRow("a").Set("t", "é😀'\"\\").Set("empty", "").Set("i", int.MinValue).Set("l", long.MaxValue).Set("b", bytes).Set("none", Array.Empty<byte>())));
        var row = await GetAsync("a");
        Assert.NotNull(row);
        Assert.Equal(("a", "é😀'\"\\", "", int.MinValue, long.MaxValue), (row.Key, row.TextOf("t"), row.TextOf("empty"), row.IntOf("i")!.Value, row.LongOf("l")!.Value));
        Assert.Equal(bytes, row.BytesOf("b")!.Value.ToArray());
        Assert.Equal(0, row.BytesOf("none")!.Value.Length);
        Assert.Equal(6, row.Properties.Count);
        Assert.NotNull(row.ETag);
        Assert.Null(row.IntOf("l"));
        Assert.Null(row.TextOf("absent"));
    }

    [Fact]
    public async Task Columns_choose_what_is_read()
    {
        await CommitAsync(Insert(new TableRow("a").Set("x", 1).Set("y", 2)));
        Assert.Equal(["x"], (await Table.GetAsync(_partition, "a", ["x"], Cancel))!.Properties.Keys);
        var answer = await Table.QueryAsync(_partition, new RowQuery("", "z", 9) { Columns = ["y", "absent"] }, Cancel);
        Assert.Equal(["y"], Assert.Single(answer.Rows).Properties.Keys.Where(name => answer.Rows[0].IntOf(name) is not null));
        Assert.Equal("a", answer.Rows[0].Key);
    }

    [Fact]
    public async Task What_is_not_there_is_null_or_empty()
    {
        Assert.Null(await GetAsync("a"));
        var answer = await Table.QueryAsync(_partition, new RowQuery("", "z", 1), Cancel);
        Assert.Empty(answer.Rows);
        Assert.False(answer.HasMore);
    }

    [Fact]
    public async Task A_query_gives_a_range_in_order_and_goes_on_after_its_last_row()
    {
        var keys = Enumerable.Range(0, 40).Select(i => $"k{i:D3}").ToArray();
        await CommitAsync([.. keys.Reverse().Select(key => Insert(new TableRow(key)))]);
        await CommitAsync(Insert(new TableRow("K005")), Insert(new TableRow("k")), Insert(new TableRow("k035x")));

        var read = new List<string>();
        var after = "k004";
        for (var more = true; more;)
        {
            var answer = await Table.QueryAsync(_partition, new RowQuery(after, "k035", 7), Cancel);
            Assert.True(answer.Rows.Count is > 0 and <= 7 || !answer.HasMore);
            read.AddRange(answer.Rows.Select(row => row.Key));
            after = read[^1];
            more = answer.HasMore;
        }

        Assert.Equal(keys[5..35], read);
    }

    [Fact]
    public async Task An_answer_of_many_megabytes_may_be_cut_but_loses_nothing()
    {
        var big = new byte[TableLimits.BinaryBytes];
        for (var i = 0; i < 12; i++)
        {
            var row = new TableRow($"k{i:D2}");
            for (var chunk = 0; chunk < 15; chunk++) row.Set($"d{chunk}", big);
            await CommitAsync(Insert(row));
        }

        var (after, count) = ("", 0);
        for (var more = true; more;)
        {
            var answer = await Table.QueryAsync(_partition, new RowQuery(after, "z", 1000), Cancel);
            Assert.All(answer.Rows, row => Assert.Equal(15 * big.Length, row.Properties.Values.Sum(value => ((ReadOnlyMemory<byte>)value).Length)));
            count += answer.Rows.Count;
            if (answer.HasMore) after = answer.Rows[^1].Key;
            more = answer.HasMore;
        }

        Assert.Equal(12, count);
    }

    [Fact]
    public async Task Partitions_do_not_see_each_other()
    {
        await CommitAsync(Insert(new TableRow("a")));
        Assert.Null(await Table.GetAsync(_partition + "0", "a", null, Cancel));
        Assert.Null(await Table.GetAsync(_partition.ToUpperInvariant(), "a", null, Cancel));
        Assert.Empty((await Table.QueryAsync(_partition.ToUpperInvariant(), new RowQuery("", "z", 9), Cancel)).Rows);
    }

    [Fact]
    public async Task Each_commit_gives_new_versions_and_they_are_those_that_are_read()
    {
        var first = Assert.IsType<CommitOutcome.Committed>(await CommitAsync(Insert(new TableRow("a")), Insert(new TableRow("b"))));
        Assert.Equal(first.ETags, [(await GetAsync("a"))!.ETag, (await GetAsync("b"))!.ETag]);
        var second = Assert.IsType<CommitOutcome.Committed>(
            await CommitAsync(new RowOperation.Delete("b", first.ETags[1]), new RowOperation.Replace(new TableRow("a").Set("x", 2), first.ETags[0])));
        Assert.Null(second.ETags[0]);
        Assert.NotEqual(first.ETags[0], second.ETags[1]);
        Assert.Equal(second.ETags[1], (await GetAsync("a"))!.ETag);
        Assert.Null(await GetAsync("b"));
    }

    [Fact]
    public async Task Replacing_takes_the_place_of_all_properties()
    {
        await CommitAsync(Insert(new TableRow("a").Set("x", 1).Set("y", 1)));
        await CommitAsync(new RowOperation.Replace(new TableRow("a").Set("y", 2), null));
        Assert.Equal(["y"], (await GetAsync("a"))!.Properties.Keys);
    }

    [Fact]
    public async Task Putting_a_row_makes_it_what_it_shall_be_whether_it_exists_or_not()
    {
        await CommitAsync(Insert(new TableRow("a").Set("x", 1).Set("y", 2)));
        var outcome = Assert.IsType<CommitOutcome.Committed>(await CommitAsync(new RowOperation.Put(new TableRow("a").Set("x", 3)), new RowOperation.Put(new TableRow("b").Set("x", 4))));
        var (a, b) = ((await GetAsync("a"))!, (await GetAsync("b"))!);
        Assert.Equal((3, null, 4), (a.IntOf("x"), a.IntOf("y"), b.IntOf("x")!.Value));
        Assert.Equal([a.ETag, b.ETag], outcome.ETags);
    }

    [Fact]
    public async Task An_existing_row_refuses_the_whole_transaction_and_says_which()
    {
        await CommitAsync(Insert(new TableRow("b").Set("x", 1)));
        var outcome = await CommitAsync(Insert(new TableRow("a")), Insert(new TableRow("b").Set("x", 2)), Insert(new TableRow("c")));
        Assert.Equal(new CommitOutcome.AlreadyExists(1), outcome);
        Assert.Null(await GetAsync("a"));
        Assert.Null(await GetAsync("c"));
        Assert.Equal(1, (await GetAsync("b"))!.IntOf("x"));
    }

    [Fact]
    public async Task A_stale_or_missing_row_refuses_the_whole_transaction()
    {
        var stale = Assert.IsType<CommitOutcome.Committed>(await CommitAsync(Insert(new TableRow("a").Set("x", 1)))).ETags[0];
        await CommitAsync(new RowOperation.Replace(new TableRow("a").Set("x", 2), stale));
        RowOperation[] refused =
        [
            new RowOperation.Replace(new TableRow("a").Set("x", 3), stale),
            new RowOperation.Delete("a", stale),
            new RowOperation.Replace(new TableRow("missing"), null),
            new RowOperation.Replace(new TableRow("missing"), stale),
            new RowOperation.Delete("missing"),
        ];
        foreach (var operation in refused)
        {
            Assert.Equal(new CommitOutcome.ConditionNotMet(), await CommitAsync(Insert(new TableRow("new")), operation));
            Assert.Null(await GetAsync("new"));
            Assert.Equal(2, (await GetAsync("a"))!.IntOf("x"));
        }
    }

    [Fact]
    public async Task A_row_that_was_deleted_and_made_anew_has_another_version()
    {
        var old = Assert.IsType<CommitOutcome.Committed>(await CommitAsync(Insert(new TableRow("a")))).ETags[0];
        await CommitAsync(new RowOperation.Delete("a", old));
        await CommitAsync(Insert(new TableRow("a")));
        Assert.IsType<CommitOutcome.ConditionNotMet>(await CommitAsync(new RowOperation.Replace(new TableRow("a"), old)));
    }

    [Fact]
    public async Task Of_many_who_replace_the_same_version_one_succeeds()
    {
        var eTag = Assert.IsType<CommitOutcome.Committed>(await CommitAsync(Insert(new TableRow("a")))).ETags[0];
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => CommitAsync(new RowOperation.Replace(new TableRow("a").Set("x", i), eTag), Insert(new TableRow($"b{i}")))));
        Assert.Single(outcomes.OfType<CommitOutcome.Committed>());
        Assert.Single((await Table.QueryAsync(_partition, new RowQuery("b", "c", 20), Cancel)).Rows);
    }

    [Fact]
    public async Task What_Azure_refuses_is_refused_before_it_is_sent()
    {
        var megabyte = new TableRow("a");
        for (var i = 0; i < 16; i++) megabyte.Set($"d{i}", new byte[TableLimits.BinaryBytes]);
        var many = new TableRow("a");
        for (var i = 0; i <= TableLimits.Properties; i++) many.Set($"d{i}", i);
        var large = new TableRow("a");
        for (var i = 0; i < 15; i++) large.Set($"d{i}", new byte[TableLimits.BinaryBytes]);
        RowOperation[][] refused =
        [
            [],
            [.. Enumerable.Range(0, TableLimits.Operations + 1).Select(i => Insert(new TableRow($"k{i}")))],
            [Insert(megabyte)],
            [Insert(many)],
            [Insert(new TableRow("a").Set("b", new byte[TableLimits.BinaryBytes + 1]))],
            [Insert(new TableRow("a").Set("t", new string('x', TableLimits.TextChars + 1)))],
            [Insert(new TableRow(new string('k', TableLimits.KeyChars + 1)))],
            [Insert(new TableRow("a/b"))],
            [Insert(new TableRow("a\u0081"))],
            [Insert(new TableRow("a")), new RowOperation.Delete("a")],
            [.. Enumerable.Range(0, 4).Select(i => Insert(Copy(large, $"k{i}")))],
        ];
        foreach (var operations in refused) await Assert.ThrowsAsync<ArgumentException>(() => Table.CommitAsync(_partition, operations, Cancel));
        Assert.Empty((await Table.QueryAsync(_partition, new RowQuery("", "z", 9), Cancel)).Rows);
    }

    [Fact]
    public async Task A_full_transaction_at_the_limits_is_taken()
    {
        var large = new TableRow("a");
        for (var i = 0; i < 15; i++) large.Set($"d{i}", new byte[TableLimits.BinaryBytes]);
        var operations = Enumerable.Range(0, TableLimits.Operations - 2).Select(i => Insert(new TableRow($"k{i}").Set("t", (long)i)));
        Assert.IsType<CommitOutcome.Committed>(await CommitAsync([Insert(large), Insert(Copy(large, "b")), .. operations]));
    }

    [Fact]
    public async Task A_cancelled_call_throws_as_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Table.GetAsync(_partition, "a", null, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Table.QueryAsync(_partition, new RowQuery("", "z", 9), cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Table.CommitAsync(_partition, [Insert(new TableRow("a"))], cancelled.Token));
    }

    [Fact]
    public async Task The_health_check_passes() => await Table.CheckAsync(Cancel);

    private static RowOperation.Insert Insert(TableRow row) => new(row);

    private static TableRow Copy(TableRow row, string key)
    {
        var copy = new TableRow(key);
        foreach (var (name, value) in row.Properties) copy.Set(name, (ReadOnlyMemory<byte>)value);
        return copy;
    }

    private Task<CommitOutcome> CommitAsync(params RowOperation[] operations) => Table.CommitAsync(_partition, operations, Cancel);

    private Task<TableRow?> GetAsync(string key) => Table.GetAsync(_partition, key, null, Cancel);
}
