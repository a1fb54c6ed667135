namespace Dequeue.Client.Rest;

/// <summary>What came of a REST call.</summary>
internal abstract record RestAnswer<T>
{
    /// <summary>2xx with a readable body of so many bytes on the wire.</summary>
    public sealed record Ok(T Body, long Bytes) : RestAnswer<T>;

    /// <summary>Anything else.</summary>
    public sealed record Failed(SyncFailure Failure) : RestAnswer<T>;
}
