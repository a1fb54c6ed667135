using Azure;
using Azure.Data.Tables;
using Azure.Identity;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.AzureTables;

/// <summary>What Azure's errors mean; the one place that knows.</summary>
internal static class AzureErrors
{
    /// <summary>The outcome of a transaction that was refused by its conditions, or null for any other failure.</summary>
    public static CommitOutcome? Refusal(RequestFailedException exception) => exception switch
    {
        TableTransactionFailedException { Status: 409, ErrorCode: "EntityAlreadyExists" } e
            => new CommitOutcome.AlreadyExists(e.FailedTransactionActionIndex ?? 0),
        { Status: 412 } or { Status: 404, ErrorCode: "ResourceNotFound" or "EntityNotFound" } => new CommitOutcome.ConditionNotMet(),
        _ => null,
    };

    /// <summary>
    /// The failure as the port's exception, with what to do; null for what is no failure of storage: the caller's cancellation,
    /// or a bug.
    /// </summary>
    public static StorageUnavailableException? Decode(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        OperationCanceledException when cancellationToken.IsCancellationRequested => null,
        OperationCanceledException => Unavailable("did not answer in time", exception),
        AggregateException e => Decode(e.InnerExceptions[^1], cancellationToken),
        AuthenticationFailedException => new StorageUnavailableException(
            "No token for the event log's storage account. Give the app an identity, or sign in (az login).", exception),
        RequestFailedException { Status: 401 or 403 } => new StorageUnavailableException(
            "The event log's storage account refuses the credentials. Look at the key, or give the identity the role "
                + "Storage Table Data Contributor.",
            exception),
        RequestFailedException { Status: 429 } or RequestFailedException { Status: 503, ErrorCode: "ServerBusy" }
            => new StorageUnavailableException("The event log's storage asks for fewer calls. Try again later.", exception) { IsThrottled = true },
        RequestFailedException { Status: 0 or 408 } => Unavailable("cannot be reached", exception),
        RequestFailedException { Status: >= 500 } => Unavailable("failed", exception),
        RequestFailedException { Status: 404, ErrorCode: "TableNotFound" } => Unavailable("lost its table; restart to create it anew", exception),
        RequestFailedException { Status: 409, ErrorCode: "TableBeingDeleted" } => Unavailable("is still deleting its table", exception),
        _ => null,
    };

    private static StorageUnavailableException Unavailable(string how, Exception exception)
        => new($"The event log's storage account {how}. Try again; look at its address and health if it stays so.", exception);
}
