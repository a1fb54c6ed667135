using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.AzureBlobs;

/// <summary>
/// Pages as blobs in one container of Azure Blob Storage, or of Azurite. The container is created when it is missed; it is private,
/// what opens a blob is a signed URL alone.
/// </summary>
/// <param name="container">The container.</param>
/// <param name="sign">Makes the URL of a blob.</param>
/// <param name="urlLife">How long a URL works.</param>
/// <param name="clock">Tells now.</param>
internal sealed class BlobShelf(BlobContainerClient container, SignUrl sign, TimeSpan urlLife, TimeProvider clock) : IPageShelf
{
    /// <summary>Tries after the first. A stream waits for them, and can do without.</summary>
    private const int Retries = 1;

    /// <summary>Deletions under way at once.</summary>
    private const int DeletesAtOnce = 8;

    /// <summary>How long one try may take: a page is uploaded in well under a second.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5), RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>A blob that is older is put there again, so that the rule that deletes blobs after 3 days finds none whose URL was just given.</summary>
    private static readonly TimeSpan RenewalAge = TimeSpan.FromDays(2);

    /// <inheritdoc/>
    public Uri Origin { get; } = new(container.Uri.GetLeftPart(UriPartial.Authority));

    /// <summary>Options of every client.</summary>
    /// <param name="transport">Another way to send requests; null for the usual one.</param>
    public static BlobClientOptions Options(HttpPipelineTransport? transport = null)
    {
        var options = new BlobClientOptions { Retry = { Mode = RetryMode.Fixed, MaxRetries = Retries, Delay = RetryDelay, NetworkTimeout = Timeout } };
        if (transport is not null) options.Transport = transport;
        return options;
    }

    /// <inheritdoc/>
    public async Task<Uri> OfferAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> gzippedJson, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(gzippedJson);
        var blob = container.GetBlobClient(name);
        try
        {
            // Asking first costs a small round trip, and spares the next device the upload.
            var written = await WrittenAsync(blob, cancellationToken);
            if (written is null || clock.GetUtcNow() - written > RenewalAge) await PutAsync(blob, gzippedJson, mayReplace: written is not null, cancellationToken);

            var url = new BlobSasBuilder(BlobSasPermissions.Read, clock.GetUtcNow() + urlLife)
            {
                BlobContainerName = blob.BlobContainerName,
                BlobName = blob.Name,
                Resource = "b",
                Protocol = blob.Uri.Scheme == Uri.UriSchemeHttps ? SasProtocol.Https : SasProtocol.HttpsAndHttp,
            };
            return await sign(blob, url, cancellationToken);
        }
        catch (Exception e) when (BlobErrors.Decode(e, cancellationToken) is { } decoded)
        {
            throw decoded;
        }
    }

    /// <inheritdoc/>
    public async Task<int> EraseAsync(string prefix, CancellationToken cancellationToken)
    {
        var deleted = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = DeletesAtOnce, CancellationToken = cancellationToken };
        try
        {
            var blobs = container.GetBlobsAsync(new GetBlobsOptions { Prefix = prefix }, cancellationToken);
            await Parallel.ForEachAsync(blobs, parallel, async (blob, stop) =>
            {
                if (await container.DeleteBlobIfExistsAsync(blob.Name, DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: stop)) Interlocked.Increment(ref deleted);
            });
            return deleted;
        }
        catch (RequestFailedException e) when (BlobErrors.IsMissing(e))
        {
            return deleted;
        }
        catch (Exception e) when (BlobErrors.Decode(e, cancellationToken) is { } decoded)
        {
            throw decoded;
        }
    }

    /// <returns>When the blob was written, or null when there is none.</returns>
    private static async Task<DateTimeOffset?> WrittenAsync(BlobClient blob, CancellationToken cancellationToken)
    {
        try
        {
            return (await blob.GetPropertiesAsync(cancellationToken: cancellationToken)).Value.LastModified;
        }
        catch (RequestFailedException e) when (BlobErrors.IsMissing(e))
        {
            return null;
        }
    }

    private async Task PutAsync(BlobClient blob, IReadOnlyList<ReadOnlyMemory<byte>> parts, bool mayReplace, CancellationToken cancellationToken)
    {
        var content = new BinaryData(Joined(parts));
        var options = new BlobUploadOptions
        {
            // Personal data: it is kept by who asked for it, not by caches on the way.
            HttpHeaders = new BlobHttpHeaders { ContentType = "application/json", ContentEncoding = "gzip", CacheControl = "private, no-store" },
            Conditions = mayReplace ? null : new BlobRequestConditions { IfNoneMatch = ETag.All },
        };
        try
        {
            await blob.UploadAsync(content, options, cancellationToken);
            return;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobAlreadyExists)
        {
            // Another stream was first, with the same bytes.
            return;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound)
        {
            await container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        }

        options.Conditions = null;
        await blob.UploadAsync(content, options, cancellationToken);
    }

    private static byte[] Joined(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var joined = new byte[parts.Sum(part => part.Length)];
        var at = 0;
        foreach (var part in parts)
        {
            part.CopyTo(joined.AsMemory(at));
            at += part.Length;
        }

        return joined;
    }
}

/// <summary>Makes the URL of a blob that works by itself.</summary>
internal delegate ValueTask<Uri> SignUrl(BlobClient blob, BlobSasBuilder rights, CancellationToken cancellationToken);
