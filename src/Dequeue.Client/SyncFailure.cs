namespace Dequeue.Client;

/// <summary>What went wrong, as far as the client must act differently.</summary>
public enum SyncFailureKind
{
    /// <summary>No connection: refused, reset, unknown host, or cut before the end.</summary>
    Unreachable,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>401 or 403: a new sign-in, or another app, is needed.</summary>
    Unauthorized,

    /// <summary>429: too many calls.</summary>
    Throttled,

    /// <summary>5xx, or a stream that ended in an error message.</summary>
    ServerError,

    /// <summary>Any other refusal: the call itself is wrong, and repeating it does not help.</summary>
    Refused,

    /// <summary>The token provider gave none; only a watch tells it so, and tries again.</summary>
    NoToken,

    /// <summary>
    /// The device's store and the server's log are not one history, and the client cannot heal that by itself: the log was erased, or it is
    /// another user's, app's or server's. Nothing was written or pushed. <see cref="SyncManager.BeginAnewAsync"/> takes the server's log.
    /// </summary>
    HistoryChanged,

    /// <summary>The server's answer breaks the contract: bad JSON, wrong types, missing or surplus events, a wrong digest.</summary>
    BadAnswer,
}

/// <summary>A failure in words for people and facts for code. Never holds a token.</summary>
/// <param name="Kind">What kind.</param>
/// <param name="Message">One sentence.</param>
/// <param name="Code">The server's error code, one of <see cref="Contracts.ErrorCodes"/>, or null.</param>
/// <param name="Status">The HTTP status, or null.</param>
/// <param name="RetryAfter">How long the server asks to wait, or null.</param>
public sealed record SyncFailure(SyncFailureKind Kind, string Message, string? Code = null, int? Status = null, TimeSpan? RetryAfter = null)
{
    /// <summary>With <see cref="SyncFailureKind.HistoryChanged"/>: the epoch of the server's log; null when it has none.</summary>
    public string? LogEpoch { get; init; }

    /// <summary>With <see cref="SyncFailureKind.HistoryChanged"/>: the events of the server's log, when it says so.</summary>
    public long? LogEvents { get; init; }

    /// <summary>True when the same call may succeed later.</summary>
    public bool IsTransient
        => Kind is SyncFailureKind.Unreachable or SyncFailureKind.TimedOut or SyncFailureKind.Throttled or SyncFailureKind.ServerError
            or SyncFailureKind.NoToken;

    /// <summary>True when our own server said so, in a problem document or a stream's error: then <see cref="Code"/> is set. Else
    /// something on the way may have answered in its place.</summary>
    public bool IsVerdict => Code is not null;

    internal static SyncFailure OtherHistory(string? epoch, long? events)
        => new(
            SyncFailureKind.HistoryChanged,
            "This device holds another history than the server: the server's log was erased, or it is another user's, app's or server's. "
                + "Nothing was changed; begin anew to take the server's.",
            Contracts.ErrorCodes.HistoryChanged) { LogEpoch = epoch, LogEvents = events };

    internal static SyncFailure NotHealed(string why)
        => new(SyncFailureKind.HistoryChanged, $"This device holds another history than the server, and it could not be healed: {why}", Contracts.ErrorCodes.HistoryChanged);

    /// <inheritdoc/>
    public override string ToString() => Code is null ? Message : $"{Message} ({Code})";
}

/// <summary>A sync that could not be finished by any way. What arrived before is stored; the next one carries on from there.</summary>
public sealed class SyncFailedException : Exception
{
    /// <summary>Wraps the failure.</summary>
    public SyncFailedException(SyncFailure failure)
        : base(failure?.ToString()) => Failure = failure ?? throw new ArgumentNullException(nameof(failure));

    /// <summary>What went wrong.</summary>
    public SyncFailure Failure { get; }
}
