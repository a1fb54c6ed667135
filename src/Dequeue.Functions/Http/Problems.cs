using System.Globalization;
using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Http;

/// <summary>The refusals of a REST call, as problem+json.</summary>
internal static class Problems
{
    public static IResult Invalid(string detail) => new ProblemResult(new Problem("Invalid request", 400, detail, ErrorCodes.InvalidRequest));

    public static IResult InvalidCheckpoint()
        => new ProblemResult(new Problem("Invalid checkpoint", 400, "since is an RFC 3339 date-time, such as 2026-11-22T08:15:30.1234567Z.", ErrorCodes.InvalidCheckpoint));

    public static IResult Unauthenticated(bool tokenWasGiven)
        => new ProblemResult(new Problem(
            "Not signed in", 401, tokenWasGiven ? "The token is not valid, or it has expired." : "Send Authorization: Bearer <token>.", ErrorCodes.Unauthorized))
        {
            Header = ("WWW-Authenticate", tokenWasGiven ? "Bearer error=\"invalid_token\"" : "Bearer"),
        };

    public static IResult OtherApp() => new ProblemResult(new Problem("Not your app", 403, "The token does not open this app.", ErrorCodes.Unauthorized));

    public static IResult TooLarge(int maxBytes)
        => new ProblemResult(new Problem("Too large", 413, $"The body has at most {maxBytes} bytes; send several.", ErrorCodes.InvalidRequest));

    public static IResult EncodedBody()
        => new ProblemResult(new Problem("Encoded body", 415, "The body is plain JSON, without Content-Encoding.", ErrorCodes.InvalidRequest));

    /// <summary>What a client is told whose store and log are not one history.</summary>
    public const string OtherHistory
        = "The client's store and this log are not one history: the server was put back, the log was erased, or it is another one.";

    public static IResult HistoryChanged(Sync.Log.LogHead head)
        => new ProblemResult(new Problem("History changed", 409, OtherHistory, ErrorCodes.HistoryChanged) { Epoch = head.Epoch, EventCount = head.Count });

    public static IResult UpgradeRequired(string detail)
        => new ProblemResult(new Problem("Upgrade required", 426, detail, ErrorCodes.InvalidRequest)) { Header = ("Upgrade", "websocket") };

    public static IResult TooManyCalls(TimeSpan retryAfter)
        => new ProblemResult(new Problem("Too many calls", 429, "Slow down and try again.", ErrorCodes.RateLimited))
        {
            Header = ("Retry-After", Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture)),
        };

    public static IResult Busy()
        => new ProblemResult(new Problem("Busy", 503, "The server has as much in hand as it can hold; try again.", ErrorCodes.RateLimited)) { Header = ("Retry-After", "1") };

    public static IResult TooSlow()
        => new ProblemResult(new Problem("Too slow", 408, "The body came too slowly; try again, or send less at once.", ErrorCodes.StreamTimeout)) { Header = ("Connection", "close") };

    /// <summary>What the web server refused by itself.</summary>
    public static IResult Of(BadHttpRequestException refused, int maxBytes)
        => refused.StatusCode switch
        {
            StatusCodes.Status408RequestTimeout => TooSlow(),
            StatusCodes.Status413PayloadTooLarge => TooLarge(maxBytes),
            _ => Invalid(refused.Message),
        };

    public static IResult StorageUnavailable()
        => new ProblemResult(new Problem("Storage unavailable", 503, "The event log does not answer; try again.", ErrorCodes.DbError)) { Header = ("Retry-After", "1") };

    public static IResult IssuerUnavailable()
        => new ProblemResult(new Problem("Issuer unavailable", 503, "The issuer of tokens does not answer; try again.", ErrorCodes.Internal)) { Header = ("Retry-After", "2") };

    public static IResult Internal() => new ProblemResult(new Problem("Internal error", 500, "The failure was logged.", ErrorCodes.Internal));

    private sealed class ProblemResult(Problem problem) : IResult
    {
        public (string Name, string Value)? Header { get; init; }

        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (Header is var (name, value)) httpContext.Response.Headers[name] = value;
            return Results.Json(problem, RestJson.Default.Problem, Problem.MediaType, problem.Status).ExecuteAsync(httpContext);
        }
    }
}
