using Dequeue.Sync.Storage;
using Microsoft.Data.Sqlite;

namespace Dequeue.Storage.Tests.Sqlite;

public sealed class SqliteTableTests(SqliteFixture fixture) : TableConformance(fixture), IClassFixture<SqliteFixture>
{
    [Fact]
    public async Task A_file_opened_again_holds_what_was_committed()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("dequeue-log-").FullName, "new", "log.db");
        var cancel = TestContext.Current.CancellationToken;
        for (var i = 0; i < 3; i++)
        {
            var table = EventLogStorage.Open($"sqlite:{path}");
            using var _ = (IDisposable)table;
            await table.CommitAsync("p", [new RowOperation.Insert(new TableRow($"k{i}"))], cancel);
            Assert.Equal(i + 1, (await table.QueryAsync("p", new RowQuery("", "z", 9), cancel)).Rows.Count);
        }
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_unavailable_with_what_to_do()
    {
        var path = Path.Combine(fixture.Folder, "text.db");
        await File.WriteAllTextAsync(path, new string('x', 5000), TestContext.Current.CancellationToken);
        var table = EventLogStorage.Open($"sqlite:{path}");
        using var _ = (IDisposable)table;
        var e = await Assert.ThrowsAsync<StorageUnavailableException>(() => table.CheckAsync(TestContext.Current.CancellationToken));
        Assert.Contains("Restore it", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_was_cut_short_is_unavailable_and_others_can_be_read()
    {
        var cancel = TestContext.Current.CancellationToken;
        await Table.CommitAsync("cut", [new RowOperation.Insert(new TableRow("a").Set("t", "text")), new RowOperation.Insert(new TableRow("b"))], cancel);
        await using var connection = new SqliteConnection($"Data Source={fixture.Setting["sqlite:".Length..]};Pooling=False");
        await connection.OpenAsync(cancel);
        await using var command = connection.CreateCommand();
        command.CommandText = "UPDATE rows SET properties = substr(properties, 1, length(properties) - 1) WHERE partition = 'cut' AND key = 'a'";
        Assert.Equal(1, await command.ExecuteNonQueryAsync(cancel));

        await Assert.ThrowsAsync<StorageUnavailableException>(() => Table.GetAsync("cut", "a", null, cancel));
        Assert.NotNull(await Table.GetAsync("cut", "b", null, cancel));
    }
}
