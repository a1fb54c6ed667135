namespace Dequeue.Storage.Tests;

public sealed class PageShelfStorageTests
{
    [Theory]
    [InlineData("redis")]
    [InlineData("ftp://somewhere/")]
    [InlineData("a=b")]
    [InlineData("AccountName=a;AccountKey=secret!;EndpointSuffix=core.windows.net")]
    [InlineData("http://account.blob.core.windows.net")]
    [InlineData("DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net")]
    [InlineData("BlobEndpoint=https://account.blob.core.windows.net;SharedAccessSignature=sv=2020&sig=secret")]
    [InlineData("https://account.blob.core.windows.net/?sv=2020&sig=secret")]
    public void A_wrong_value_fails_with_one_sentence_that_names_the_setting(string setting)
    {
        var e = Assert.Throws<FormatException>(() => Open(setting));
        Assert.StartsWith("References__Storage ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("blob endpoint.", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UseDevelopmentStorage=true")]
    [InlineData("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net")]
    [InlineData("https://account.blob.core.windows.net")]
    [InlineData("http://127.0.0.1:10000/devstoreaccount1")]
    public void Each_kind_of_value_opens_without_touching_anything(string setting) => Assert.NotNull(Open(setting));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    public void Without_a_value_nothing_is_offered(string? setting) => Assert.Null(Open(setting));

    private static Sync.Storage.IPageShelf? Open(string? setting) => PageShelfStorage.Open(setting, TimeSpan.FromMinutes(15), TimeProvider.System);
}
