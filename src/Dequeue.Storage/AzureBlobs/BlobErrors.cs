using Azure;
using Azure.Identity;
using Azure.Storage.Blobs.Models;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.AzureBlobs;

/// <summary>What Blob Storage's errors mean; the one place that knows.</summary>
internal static class BlobErrors
{
    /// <summary>Whether a blob, or its container, is not there.</summary>
    public static bool IsMissing(RequestFailedException exception)
        => exception.ErrorCode is { } code && (code == BlobErrorCode.BlobNotFound || code == BlobErrorCode.ContainerNotFound);

    /// <summary>The failure as the port's exception, with what to do; null for the caller's cancellation, and for a bug.</summary>
    public static StorageUnavailableException? Decode(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        OperationCanceledException when cancellationToken.IsCancellationRequested => null,
        OperationCanceledException => Failed("did not answer in time", exception),
        AggregateException e => Decode(e.InnerExceptions[^1], cancellationToken),
        AuthenticationFailedException => Failed("gets no token. Give the app an identity, or sign in (az login)", exception),
        RequestFailedException { Status: 401 or 403 }
            => Failed("refuses the credentials. Look at the key, or give the identity the role Storage Blob Data Contributor", exception),
        RequestFailedException { Status: 0 } => Failed("cannot be reached", exception),
        RequestFailedException e => Failed($"answered {e.Status} {e.ErrorCode}", exception),
        _ => null,
    };

    private static StorageUnavailableException Failed(string how, Exception exception)
        => new($"The storage account of {PageShelfStorage.SettingName} {how}.", exception);
}
