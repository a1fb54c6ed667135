using System.Text;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Configuration;

/// <summary>Where Web PubSub is, how to reach it, and how it proves itself when it sends events.</summary>
/// <param name="Endpoint">The service's address.</param>
/// <param name="ConnectionString">With the access key, or null when a managed identity is used.</param>
/// <param name="SecondaryKey">The service's other access key, or null: events signed with it are accepted as well.</param>
/// <param name="Identity">Whose tokens events bear; null with a connection string, where events are signed.</param>
public sealed record WebPubSubSettings(Uri Endpoint, string? ConnectionString, string? SecondaryKey = null, EventIdentity? Identity = null)
{
    /// <summary>The hub of the sync backend, and the name that its event handler is registered under.</summary>
    public const string Hub = "sync";

    /// <summary>The access keys as raw UTF-8 bytes; none with a managed identity.</summary>
    public IReadOnlyList<byte[]> AccessKeys { get; } =
        [.. new[] { Part(ConnectionString, "AccessKey"), SecondaryKey }.OfType<string>().Where(key => key.Length > 0).Select(Encoding.UTF8.GetBytes)];

    /// <summary>
    /// <c>WebPubSub__PublicUrlHeader</c>: the header in which whatever stands before the functions says at which URL clients reach it, and
    /// Web PubSub through it. It must overwrite what a client sends. Null: clients reach Web PubSub at <see cref="Endpoint"/>.
    /// </summary>
    public string? PublicUrlHeader { get; private init; }

    /// <summary>A URL for a client as the client reaches it.</summary>
    /// <param name="url">As Web PubSub itself is reached.</param>
    /// <param name="headers">Of the call.</param>
    internal Uri Public(Uri url, IHeaderDictionary headers)
        => PublicUrlHeader is { } name && Uri.TryCreate(headers[name].ToString(), UriKind.Absolute, out var shown) && shown.Scheme is "http" or "https"
            ? new Uri($"{(shown.Scheme == Uri.UriSchemeHttps ? "wss" : "ws")}{shown.AbsoluteUri.TrimEnd('/')[shown.Scheme.Length..]}{url.PathAndQuery}")
            : url;

    internal static WebPubSubSettings Read(IConfiguration configuration)
        => ReadService(configuration) with { PublicUrlHeader = configuration["WebPubSub:PublicUrlHeader"] is { Length: > 0 } header ? header : null };

    private static WebPubSubSettings ReadService(IConfiguration configuration)
    {
        if (configuration["WebPubSubConnectionString"] is { Length: > 0 } connection)
        {
            if (EventIdentity.SettingIn(configuration) is { } extra)
                throw new SettingsException($"{extra} is for WebPubSub__Endpoint; with WebPubSubConnectionString events are proved by their signature.");
            return Uri.TryCreate(Part(connection, "Endpoint"), UriKind.Absolute, out var address) && Part(connection, "AccessKey") is { Length: > 0 }
                ? new WebPubSubSettings(address, connection, configuration["WebPubSub:SecondaryKey"])
                : throw new SettingsException("WebPubSubConnectionString is Endpoint=https://…;AccessKey=…;Version=1.0;");
        }

        return configuration["WebPubSub:Endpoint"] is not { Length: > 0 } text
            ? throw new SettingsException("WebPubSubConnectionString is missing; or set WebPubSub__Endpoint to use a managed identity.")
            : Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme == Uri.UriSchemeHttps
                ? new WebPubSubSettings(endpoint, null, Identity: EventIdentity.Read(configuration))
                : throw new SettingsException("WebPubSub__Endpoint is an https URL: a managed identity's token travels over TLS alone.");
    }

    private static string? Part(string? connection, string name)
        => connection?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(part => part.StartsWith(name + "=", StringComparison.OrdinalIgnoreCase))
            .Select(part => part[(name.Length + 1)..])
            .FirstOrDefault();

    /// <inheritdoc/>
    public override string ToString() => Endpoint.ToString();
}

/// <summary>The managed identity that Web PubSub proves itself with.</summary>
/// <param name="Authority">Who issues its tokens: Entra, for the tenant.</param>
/// <param name="TenantId">The tenant: the token's <c>tid</c>.</param>
/// <param name="Audience">The token's <c>aud</c>.</param>
/// <param name="ObjectId">The identity's object id: the token's <c>oid</c>.</param>
public sealed record EventIdentity(Uri Authority, Guid TenantId, string Audience, Guid ObjectId)
{
    private const string AuthorityKey = "WebPubSub:EventAuthority";
    private const string AudienceKey = "WebPubSub:EventAudience";
    private const string ObjectIdKey = "WebPubSub:EventObjectId";
    private const string TenantIdKey = "WebPubSub:TenantId";

    /// <summary>The name of a setting of these that is there, or null.</summary>
    internal static string? SettingIn(IConfiguration configuration)
        => new[] { AudienceKey, ObjectIdKey, TenantIdKey, AuthorityKey }.FirstOrDefault(key => !string.IsNullOrEmpty(configuration[key])) is { } key ? Name(key) : null;

    internal static EventIdentity Read(IConfiguration configuration)
    {
        if (configuration[AudienceKey] is not { Length: > 0 } audience)
            throw new SettingsException($"{Name(AudienceKey)} is missing: the audience of the tokens that Web PubSub sends with its events.");
        var tenant = IdOf(configuration, TenantIdKey, "the id of the tenant that issues Web PubSub's tokens");
        var caller = IdOf(configuration, ObjectIdKey, "the object id of Web PubSub's managed identity");
        var authority = configuration[AuthorityKey] is { Length: > 0 } text ? text : $"https://login.microsoftonline.com/{tenant}/v2.0";
        return Uri.TryCreate(authority, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttps || url.IsLoopback)
            ? new EventIdentity(url, tenant, audience, caller)
            : throw new SettingsException($"{Name(AuthorityKey)} is an https URL; leave it away outside of sovereign clouds.");
    }

    private static Guid IdOf(IConfiguration configuration, string key, string what)
        => Guid.TryParse(configuration[key], out var id) ? id : throw new SettingsException($"{Name(key)} is a GUID: {what}.");

    private static string Name(string key) => key.Replace(":", "__", StringComparison.Ordinal);
}
