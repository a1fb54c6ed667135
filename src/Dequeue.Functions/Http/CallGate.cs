using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Http;

/// <summary>
/// The boundary of every REST call: who calls, which log is meant, how often; and what a failure looks like from outside. The
/// call itself sees a log that its caller may use, and nothing else.
/// </summary>
public sealed partial class CallGate(TokenVerifier tokens, BackendSettings settings, CallLimiter limiter, ILogger<CallGate> logger)
{
    private const string Bearer = "Bearer ";

    private readonly AllowedApps _apps = settings.Apps;
    private readonly AllowedOrigins _origins = settings.Origins;

    /// <summary>Answers a call.</summary>
    /// <param name="request">The call.</param>
    /// <param name="app">The app of the path; null for the default app.</param>
    /// <param name="answer">What it does with its caller's log.</param>
    /// <param name="cancellationToken">The caller has gone.</param>
    public async Task<IResult> AnswerAsync(
        HttpRequest request, string? app, Func<LogKey, CancellationToken, Task<IResult>> answer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(answer);
        request.Allow(_origins);
        try
        {
            if (BearerToken(request) is not { } token) return Problems.Unauthenticated(tokenWasGiven: false);
            if (await tokens.VerifyAsync(token, cancellationToken) is not { } caller) return Problems.Unauthenticated(tokenWasGiven: true);
            if (Log(caller, app) is not { } log) return Problems.OtherApp();
            return Charge(log, 1) ?? await answer(log, cancellationToken);
        }
        catch (StorageUnavailableException failure)
        {
            LogStorageUnavailable(failure, request.Path);
            return Problems.StorageUnavailable();
        }
        catch (IssuerUnavailableException failure)
        {
            LogIssuerUnavailable(failure);
            return Problems.IssuerUnavailable();
        }
        catch (BadHttpRequestException refused)
        {
            return Problems.Invalid(refused.Message);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            LogFailed(failure, request.Path);
            return Problems.Internal();
        }
    }

    /// <summary>Counts work of a call beyond the usual as further calls.</summary>
    /// <param name="log">Whose call it is.</param>
    /// <param name="calls">As how many.</param>
    /// <returns>Null, or the refusal when they are too many.</returns>
    public IResult? Charge(LogKey log, int calls) => limiter.Charge(log, calls) is { } wait ? Problems.TooManyCalls(wait) : null;

    /// <summary>Counts the reading of a history: as many calls as its pages, but no more than half of what may come at once.</summary>
    /// <param name="log">Whose it is.</param>
    /// <param name="events">How many events are read.</param>
    /// <returns>Null, or the refusal when they are too many.</returns>
    public IResult? ChargeReading(LogKey log, long events) => Charge(log, (int)Math.Min(events / PageLimits.Max, limiter.Burst / 2));

    private static string? BearerToken(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header[Bearer.Length..].Trim() : null;
    }

    private LogKey? Log(Caller caller, string? path)
    {
        var app = _apps.Default;
        if (path is not null && !AppId.TryParse(path, out app)) return null;
        return _apps.All.Contains(app) && (caller.App is null || caller.App == app) ? new LogKey(app, caller.User) : null;
    }

    [LoggerMessage(101, LogLevel.Error, "The event log's storage failed a call to {Path}", EventName = "101")]
    private partial void LogStorageUnavailable(Exception failure, string path);

    [LoggerMessage(103, LogLevel.Error, "The token issuer does not answer: nobody can be let in", EventName = "103")]
    private partial void LogIssuerUnavailable(Exception failure);

    [LoggerMessage(102, LogLevel.Error, "A call to {Path} failed", EventName = "102")]
    private partial void LogFailed(Exception failure, string path);
}
