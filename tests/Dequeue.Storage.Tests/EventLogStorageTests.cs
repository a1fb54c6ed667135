namespace Dequeue.Storage.Tests;

public sealed class EventLogStorageTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    [InlineData("sqlite:")]
    [InlineData("sqlite:/")]
    [InlineData("redis")]
    [InlineData("ftp://somewhere/")]
    [InlineData("a=b")]
    [InlineData("AccountName=a;AccountKey=secret!;EndpointSuffix=core.windows.net")]
    [InlineData("http://account.table.core.windows.net")]
    [InlineData("https://account.table.core.windows.net/?sv=2020&sig=secret")]
    public void A_wrong_value_fails_with_one_sentence_that_names_the_setting(string? setting)
    {
        var e = Assert.Throws<FormatException>(() => EventLogStorage.Open(setting));
        Assert.StartsWith("EventLog__Storage ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("table endpoint.", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sqlite:some.db")]
    [InlineData("SQLite:some.db")]
    [InlineData("UseDevelopmentStorage=true")]
    [InlineData("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net")]
    [InlineData("https://account.table.core.windows.net")]
    [InlineData("http://127.0.0.1:10002/devstoreaccount1")]
    public void Each_kind_of_value_opens_without_touching_anything(string setting)
    {
        (EventLogStorage.Open(setting) as IDisposable)?.Dispose();
        Assert.False(File.Exists("some.db"));
    }
}
