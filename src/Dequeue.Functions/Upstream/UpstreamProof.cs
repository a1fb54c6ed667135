using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Upstream;

/// <summary>
/// Proves that an event comes from our Web PubSub: by the service's access key (<see cref="UpstreamSignature"/>), or, where there
/// are no keys, by an Entra token of the service's managed identity. docs/security.md has the whole contract.
/// </summary>
/// <remarks>
/// Neither proof is bound to one event: TLS keeps proof and event together. What a proof that leaked could do by repeating events
/// is little: see <see cref="UpstreamFunction"/>.
/// </remarks>
public sealed class UpstreamProof : IDisposable
{
    private const string Bearer = "Bearer ";

    private readonly UpstreamSignature? _signature;
    private readonly EventIdentity? _identity;
    private readonly OidcTokens? _tokens;

    /// <summary>The proof that the settings ask for.</summary>
    public UpstreamProof(WebPubSubSettings settings, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ServiceHost = settings.Endpoint.Host;
        if (settings.Identity is not { } identity)
        {
            _signature = new UpstreamSignature(settings);
            return;
        }

        // Tokens of version 1.0, which Entra issues for first-party audiences, bear the older issuer name.
        var audience = identity.Audience.TrimEnd('/');
        (_identity, _tokens) = (identity, new OidcTokens(identity.Authority, [audience, audience + "/"], clock, $"https://sts.windows.net/{identity.TenantId}/"));
    }

    /// <summary>The host name that Web PubSub names itself by, without port.</summary>
    public string ServiceHost { get; }

    /// <summary>Checks the proof.</summary>
    /// <returns>Null when it holds; else which part does not, for the log: it repeats nothing of the request.</returns>
    /// <exception cref="IssuerUnavailableException">Entra's keys cannot be had just now.</exception>
    public async Task<string?> RefusalAsync(IHeaderDictionary headers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (_signature is not null) return _signature.IsValid(headers) ? null : "ce-signature";
        var header = headers.Authorization.ToString();
        if (!header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return "no token";
        var (token, why) = await _tokens!.VerifyAsync(header[Bearer.Length..].Trim(), cancellationToken);
        if (token is null) return why;
        if (!Names(token.TryGetPayloadValue<string>("tid", out var tenant), tenant, _identity!.TenantId)) return "tid";
        return Names(token.TryGetPayloadValue<string>("oid", out var caller), caller, _identity.ObjectId) ? null : "oid";
    }

    /// <inheritdoc/>
    public void Dispose() => _tokens?.Dispose();

    private static bool Names(bool isThere, string? claim, Guid expected) => isThere && Guid.TryParse(claim, out var given) && given == expected;
}
