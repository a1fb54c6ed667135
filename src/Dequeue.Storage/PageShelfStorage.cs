using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Storage.Blobs;
using Dequeue.Storage.AzureBlobs;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage;

/// <summary>Opens the place where pages are offered as URLs, as the setting <c>References__Storage</c> says.</summary>
public static class PageShelfStorage
{
    /// <summary>The setting's name, for messages.</summary>
    public const string SettingName = "References__Storage";

    /// <summary>The container's name in a storage account.</summary>
    public const string DefaultContainer = "pages";

    /// <summary>
    /// Opens it: a connection string of a storage account with its key, <c>UseDevelopmentStorage=true</c> for Azurite, or the https
    /// URL of a blob endpoint (managed identity); an http URL is taken on loopback alone, for Azurite. Nothing is created or sent
    /// before the first use.
    /// </summary>
    /// <param name="setting">The setting's value.</param>
    /// <param name="urlLife">How long a URL works, up to some hours.</param>
    /// <param name="clock">Tells when that is.</param>
    /// <param name="credential">For an endpoint URL; null for <see cref="DefaultAzureCredential"/>.</param>
    /// <param name="container">The container's name.</param>
    /// <returns>The place, or null when the setting is empty: nothing is offered then.</returns>
    /// <exception cref="FormatException">The value is none of these; the message is one sentence that names the setting and does
    /// not repeat its value.</exception>
    public static IPageShelf? Open(
        string? setting, TimeSpan urlLife, TimeProvider clock, TokenCredential? credential = null, string container = DefaultContainer)
        => string.IsNullOrWhiteSpace(setting) ? null : Open(setting, urlLife, clock, credential, container, null);

    internal static IPageShelf Open(
        string setting, TimeSpan urlLife, TimeProvider clock, TokenCredential? credential, string container, HttpPipelineTransport? transport)
    {
        var options = BlobShelf.Options(transport);
        if (Uri.TryCreate(setting, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            if (!string.IsNullOrEmpty(url!.Query)) throw Wrong("is a URL with a query; give the blob endpoint alone, access is by managed identity");
            if (url.Scheme == Uri.UriSchemeHttps)
            {
                var service = new BlobServiceClient(url, credential ?? new DefaultAzureCredential(), options);
                return new BlobShelf(service.GetBlobContainerClient(container), new DelegationKey(service, clock).SignAsync, urlLife, clock);
            }

            // Azurite on some port of this machine.
            setting = $"{EventLogStorage.Development}BlobEndpoint={url};";
        }

        var pages = FromConnectionString(setting, container, options);
        if (pages.Uri.Scheme != Uri.UriSchemeHttps && !pages.Uri.IsLoopback) throw Wrong("names an http endpoint, over which no history may be sent");
        if (!pages.CanGenerateSasUri) throw Wrong("holds no account key, with which URLs are signed");
        return new BlobShelf(pages, (blob, rights, _) => new(blob.GenerateSasUri(rights)), urlLife, clock);
    }

    private static BlobContainerClient FromConnectionString(string setting, string container, BlobClientOptions options)
    {
        try
        {
            return new BlobContainerClient(setting, container, options);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw Wrong("is not understood");
        }
    }

    private static FormatException Wrong(string how)
        => new($"{SettingName} {how}: it is a connection string of a storage account with its key, UseDevelopmentStorage=true, "
            + "or the https URL of a blob endpoint.");
}
