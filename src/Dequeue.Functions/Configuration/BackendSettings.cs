using System.Text;
using Dequeue.Contracts;

namespace Dequeue.Functions.Configuration;

/// <summary>What the deployment decides, read once at the start. See the README for every key.</summary>
/// <param name="EventLogStorage"><c>EventLog__Storage</c>.</param>
/// <param name="WebPubSub"><c>WebPubSubConnectionString</c>, or <c>WebPubSub__Endpoint</c>.</param>
/// <param name="Auth"><c>Auth__…</c>.</param>
/// <param name="Apps"><c>Sync__Apps</c>.</param>
/// <param name="CallsPerSecond"><c>Limits__CallsPerSecond</c>: sustained calls of one user of one app, per process, over REST and over
/// sockets together; default 200.</param>
/// <param name="StreamsPerUser"><c>Limits__StreamsPerUser</c>: streams of one user of one app at the same time; default 20.</param>
/// <param name="AckPatience"><c>Limits__AckSeconds</c>: how long a stream with a window waits for an acknowledgement; 1 to 300 seconds,
/// default 60. The sweep ends a stream that does nothing for ten minutes.</param>
/// <param name="BodyBytes"><c>Limits__BodyMegabytes</c>: what the bodies of calls hold at the same time, per process; one user a quarter of
/// it; default 64, at least 16.</param>
/// <param name="PageBytes"><c>Limits__PageMegabytes</c>: the same of the pages that are read and sent; default 128, at least 16.</param>
/// <param name="References"><c>References__…</c>.</param>
public sealed record BackendSettings(
    string EventLogStorage, WebPubSubSettings WebPubSub, AuthSettings Auth, AllowedApps Apps, int CallsPerSecond, int StreamsPerUser, TimeSpan AckPatience,
    long BodyBytes, long PageBytes, ReferenceSettings References)
{
    /// <summary><c>Cors__Origins</c>: the origins of browser apps; default none.</summary>
    internal AllowedOrigins Origins { get; private init; } = AllowedOrigins.None;

    private const int MaxAckSeconds = 300;
    private const int DefaultAckSeconds = 60;
    private const int DefaultCallsPerSecond = 200;
    private const int DefaultStreamsPerUser = 20;

    /// <summary>So that the quarter of one user holds a body, or a page, of the largest size.</summary>
    private const int LeastMegabytes = 16;
    private const int MostMegabytes = 65_536;
    private const int DefaultBodyMegabytes = 64;
    private const int DefaultPageMegabytes = 128;
    private const long BytesOfMegabyte = 1024 * 1024;

    /// <summary>Reads and checks every setting.</summary>
    /// <param name="configuration">Environment, or <c>Values</c> of local.settings.json.</param>
    /// <param name="environment">The host's environment name; development tokens are accepted in Development alone.</param>
    /// <exception cref="SettingsException">One is missing or wrong; the message names its key.</exception>
    public static BackendSettings Read(IConfiguration configuration, string environment)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return new BackendSettings(
            configuration["EventLog:Storage"] is { Length: > 0 } storage ? storage : throw new SettingsException(
                "EventLog__Storage is missing: sqlite:PATH, a Tables connection string, UseDevelopmentStorage=true, or a table endpoint URL."),
            WebPubSubSettings.Read(configuration),
            AuthSettings.Read(configuration, environment),
            AllowedApps.Read(configuration),
            Limit(configuration, "Limits:CallsPerSecond", DefaultCallsPerSecond),
            Limit(configuration, "Limits:StreamsPerUser", DefaultStreamsPerUser),
            TimeSpan.FromSeconds(Limit(configuration, "Limits:AckSeconds", DefaultAckSeconds, most: MaxAckSeconds)),
            BytesOfMegabyte * Limit(configuration, "Limits:BodyMegabytes", DefaultBodyMegabytes, LeastMegabytes, MostMegabytes),
            BytesOfMegabyte * Limit(configuration, "Limits:PageMegabytes", DefaultPageMegabytes, LeastMegabytes, MostMegabytes),
            ReferenceSettings.Read(configuration))
        {
            Origins = AllowedOrigins.TryParse(configuration["Cors:Origins"], out var origins) ? origins : throw new SettingsException(
                "Cors__Origins is a comma list of origins, such as https://app.example, or *."),
        };
    }

    private static int Limit(IConfiguration configuration, string key, int fallback, int least = 1, int most = int.MaxValue)
        => configuration[key] is not { Length: > 0 } text ? fallback
            : int.TryParse(text, out var limit) && limit >= least && limit <= most ? limit
            : throw new SettingsException($"{key.Replace(":", "__", StringComparison.Ordinal)} is a whole number {(most == int.MaxValue ? "above 0" : $"from {least} to {most}")}.");
}

/// <summary>A missing or wrong setting. The message is one sentence that names the key and never quotes a secret.</summary>
public sealed class SettingsException(string message) : Exception(message);

/// <summary>Whose tokens are accepted: an OpenID Connect issuer's, or, in development, those of <c>dequeue token</c>.</summary>
/// <param name="Authority">The issuer, an https URL; null in development.</param>
/// <param name="Audience">The audience that its tokens must name.</param>
/// <param name="AppClaim">The claim that names the tenant app; a token without it may use any allowed app.</param>
/// <param name="DevSigningKey">The HS256 key of development tokens; null with an issuer.</param>
public sealed record AuthSettings(Uri? Authority, string? Audience, string AppClaim, byte[]? DevSigningKey)
{
    /// <summary>The least that HS256 is safe with, in bytes.</summary>
    private const int MinKeyBytes = 32;

    /// <summary>The one environment in which whoever has the key may name any user.</summary>
    private const string Development = "Development";

    internal static AuthSettings Read(IConfiguration configuration, string environment)
    {
        var appClaim = configuration["Auth:AppClaim"] is { Length: > 0 } claim ? claim : "app";
        if (configuration["Auth:Authority"] is { Length: > 0 } text)
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var authority) || (authority.Scheme != Uri.UriSchemeHttps && !authority.IsLoopback))
                throw new SettingsException("Auth__Authority is the https URL of an OpenID Connect issuer.");
            return configuration["Auth:Audience"] is { Length: > 0 } audience
                ? new AuthSettings(authority, audience, appClaim, null)
                : throw new SettingsException("Auth__Audience is missing: the audience that tokens of Auth__Authority must name.");
        }

        if (configuration["Auth:DevSigningKey"] is not { Length: > 0 } key)
            throw new SettingsException("Auth__Authority is missing (with Auth__Audience); for development alone, Auth__DevSigningKey.");
        if (!(configuration["AZURE_FUNCTIONS_ENVIRONMENT"] is { Length: > 0 } named ? named : environment).Equals(Development, StringComparison.OrdinalIgnoreCase))
            throw new SettingsException($"Auth__DevSigningKey is accepted only while AZURE_FUNCTIONS_ENVIRONMENT is {Development}: set Auth__Authority.");
        var bytes = Encoding.UTF8.GetBytes(key);
        return bytes.Length >= MinKeyBytes
            ? new AuthSettings(null, null, appClaim, bytes)
            : throw new SettingsException($"Auth__DevSigningKey has at least {MinKeyBytes} characters.");
    }

    /// <inheritdoc/>
    public override string ToString() => Authority?.ToString() ?? "development tokens";
}

/// <summary>The tenant apps of this deployment.</summary>
/// <param name="All">Every allowed app, at least one. The first is meant by the <c>/v1/…</c> routes.</param>
public sealed record AllowedApps(IReadOnlyList<AppId> All)
{
    /// <summary>The app of a deployment that names none.</summary>
    private const string FallbackApp = "dequeue";

    /// <summary>The app that the <c>/v1/…</c> routes mean.</summary>
    public AppId Default => All[0];

    internal static AllowedApps Read(IConfiguration configuration)
    {
        var names = (configuration["Sync:Apps"] is { Length: > 0 } list ? list : FallbackApp).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var apps = new List<AppId>();
        foreach (var name in names)
            apps.Add(AppId.TryParse(name, out var app) ? app : throw new SettingsException("Sync__Apps is a comma list of app ids (A-Z a-z 0-9 . _ -)."));
        return apps.Count > 0 ? new AllowedApps(apps) : throw new SettingsException("Sync__Apps names no app.");
    }
}
