using Azure.Storage.Blobs;
using Dequeue.Sync.Storage;
using Dequeue.Tests.Shared;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.Storage.Tests.AzureBlobs;

/// <summary>Containers of their own in Azurite's blob server.</summary>
public sealed class BlobFixture(Azurite azurite) : IAsyncLifetime
{
    /// <summary>How long URLs work.</summary>
    public static readonly TimeSpan UrlLife = TimeSpan.FromMinutes(15);

    private static int _containers;
    private string _skip = "";

    public string Setting { get; private set; } = "";

    public HttpClient Http { get; } = new();

    /// <summary>A clock that shows the real time, or one so much away from it.</summary>
    public static FakeTimeProvider Clock(TimeSpan offset = default) => new(TimeProvider.System.GetUtcNow() + offset);

    public async ValueTask InitializeAsync()
    {
        try
        {
            Setting = await azurite.BlobConnectionStringAsync();
        }
        catch (NodeUnavailableException e)
        {
            _skip = e.Message;
        }
    }

    public ValueTask DisposeAsync()
    {
        Http.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The name of a container that is not there yet.</summary>
    public string NewContainer()
    {
        if (_skip.Length > 0) Assert.Skip(_skip);
        return $"pages-{Interlocked.Increment(ref _containers)}";
    }

    public IPageShelf Open(string container, TimeProvider? clock = null) => PageShelfStorage.Open(Setting, UrlLife, clock ?? Clock(), container: container)!;

    /// <summary>The container as its owner sees it.</summary>
    public BlobContainerClient Owned(string container) => new(Setting, container);
}
