using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;

namespace Dequeue.Storage.AzureBlobs;

/// <summary>
/// Signs URLs with a key that Entra vouches for, where the account has no keys. One key signs many URLs: it is fetched anew before
/// a URL would outlive it.
/// </summary>
internal sealed class DelegationKey(BlobServiceClient service, TimeProvider clock)
{
    /// <summary>How long a key is asked for; Azure gives at most 7 days. It ends before whoever stole one could do much.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromHours(24);

    /// <summary>How far the clocks of this machine and of the storage may be apart.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(15);

    private volatile UserDelegationKey? _key;

    /// <summary>Signs.</summary>
    public async ValueTask<Uri> SignAsync(BlobClient blob, BlobSasBuilder rights, CancellationToken cancellationToken)
    {
        var key = await KeyAsync(rights.ExpiresOn, cancellationToken);
        return new BlobUriBuilder(blob.Uri) { Sas = rights.ToSasQueryParameters(key, service.AccountName) }.ToUri();
    }

    private async Task<UserDelegationKey> KeyAsync(DateTimeOffset until, CancellationToken cancellationToken)
    {
        if (_key is { } known && known.SignedExpiresOn >= until) return known;

        // Several URLs may be made at once, and fetch a key each: once a day that does no harm.
        var now = clock.GetUtcNow();
        var key = await service.GetUserDelegationKeyAsync(new BlobGetUserDelegationKeyOptions(now + Life) { StartsOn = now - Skew }, cancellationToken);
        return _key = key.Value;
    }
}
