namespace Dequeue.Contracts;

/// <summary>
/// Every error code that a client can meet, in <c>sync.stream.error</c> and in the <c>code</c> of a problem+json body.
/// The comments are the operators' manual. Codes are stable: clients branch on them.
/// </summary>
public static class ErrorCodes
{
    /// <summary>
    /// The event log's storage did not answer, refused, or throttled until the retries ran out. HTTP 503. Nothing was changed
    /// by a push that ends so unless its ids are acknowledged later: repeat it, ids make it idempotent. Look at <c>/healthz</c>
    /// and at the storage account's throttling metrics.
    /// </summary>
    public const string DbError = "DB_ERROR";

    /// <summary>The call is malformed: bad JSON, wrong types, a missing field, too large a body, or a second stream on one
    /// connection while the first runs. HTTP 400, 413, 415 or 426. The client is at fault; repeating it does not help.</summary>
    public const string InvalidRequest = "INVALID_REQUEST";

    /// <summary><c>since</c> is no RFC 3339 date-time. HTTP 400. The client should start again from its last good checkpoint,
    /// or from the beginning: ids that it already has are dropped.</summary>
    public const string InvalidCheckpoint = "INVALID_CHECKPOINT";

    /// <summary>No token, a bad or expired one (HTTP 401), or a token for another tenant's app (HTTP 403).</summary>
    public const string Unauthorized = "UNAUTHORIZED";

    /// <summary>Too many calls or messages of one user of an app: HTTP 429, over a socket without a status. Or more in hand than the
    /// process may hold: HTTP 503. Both with <c>Retry-After</c> in seconds.</summary>
    public const string RateLimited = "RATE_LIMITED";

    /// <summary>
    /// The stream did not make progress that anybody confirmed: a client that stopped acknowledging, a Web PubSub that stopped
    /// accepting, or a client without a <c>window</c> that has as much on its way as Web PubSub holds for it. The last kind names a
    /// <c>checkpoint</c> and a <c>window</c>: asked for again so, the stream goes on. Any client may carry on by REST from its last
    /// checkpoint. Of a call: its body came too slowly. HTTP 408; repeat it.
    /// </summary>
    public const string StreamTimeout = "STREAM_TIMEOUT";

    /// <summary>
    /// The client's store and the log are not one history: the log has another epoch, or another number of events up to the client's
    /// checkpoint, or never gave that checkpoint out. HTTP 409, with <c>epoch</c> and <c>eventCount</c> of the log. Nothing was changed.
    /// With the same epoch the server was put back: the client pushes what the log lacks, and takes what it lacks itself. Else the log was
    /// erased, or is another one: the client tells its user, who may begin anew. Look for a restore or an erase.
    /// </summary>
    public const string HistoryChanged = "HISTORY_CHANGED";

    /// <summary>A bug or an unforeseen failure. HTTP 500. The log has an entry with the same invocation id.</summary>
    public const string Internal = "INTERNAL";
}
