using System.Net.Http.Headers;

namespace Dequeue.Client.Rest;

/// <summary>Reads what a refusal by HTTP means, for calls and for upgrades alike.</summary>
internal static class HttpFailure
{
    /// <summary>What a refused call means. Only a problem document of our own server is its verdict: a proxy or a captive portal on the
    /// way knows neither the user nor the call.</summary>
    public static SyncFailureKind KindOf(int status, bool isVerdict)
        => !isVerdict && status != 401 && KindOf(status) is SyncFailureKind.Unauthorized or SyncFailureKind.Refused
            ? SyncFailureKind.BadAnswer
            : KindOf(status);

    public static SyncFailureKind KindOf(int status)
        => status switch
        {
            401 or 403 => SyncFailureKind.Unauthorized,
            429 => SyncFailureKind.Throttled,
            408 or >= 500 => SyncFailureKind.ServerError,
            _ => SyncFailureKind.Refused,
        };

    /// <summary>How long a <c>Retry-After</c>, in seconds or as a date, asks to wait; null when it is missing or unreadable.</summary>
    public static TimeSpan? RetryAfter(string? header, TimeProvider time)
    {
        if (!RetryConditionHeaderValue.TryParse(header, out var wish)) return null;
        var wait = wish.Delta ?? (wish.Date is { } date ? date - time.GetUtcNow() : null);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
