using Dequeue.Contracts;
using Dequeue.Functions.Configuration;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.Functions.Auth;

/// <summary>Who calls.</summary>
/// <param name="User">The token's <c>sub</c>.</param>
/// <param name="App">The app that the token is limited to, or null when it names none.</param>
public sealed record Caller(UserId User, AppId? App);

/// <summary>Checks bearer tokens: signature, issuer, audience, times, and that they name a user.</summary>
public sealed class TokenVerifier : IDisposable
{
    private readonly OidcTokens? _issuer;
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly TokenValidationParameters? _development;
    private readonly string _appClaim;

    /// <summary>A verifier for the configured issuer, or for development tokens.</summary>
    public TokenVerifier(AuthSettings settings, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _appClaim = settings.AppClaim;
        if (settings.DevSigningKey is { } key) _development = Development(key, clock);
        else _issuer = new OidcTokens(settings.Authority!, [settings.Audience!], clock);
    }

    /// <summary>Checks a token.</summary>
    /// <returns>The caller, or null when the token is not valid.</returns>
    /// <exception cref="IssuerUnavailableException">The issuer's keys cannot be had just now.</exception>
    public async Task<Caller?> VerifyAsync(string token, CancellationToken cancellationToken)
    {
        var jwt = _issuer is null
            ? TokenForm.Fault(token) is null && (await _handler.ValidateTokenAsync(token, _development)) is { IsValid: true } result ? (JsonWebToken)result.SecurityToken : null
            : (await _issuer.VerifyAsync(token, cancellationToken)).Token;
        if (jwt is null || !UserId.TryParse(jwt.Subject, out var user) || user.HasBlankEnds) return null;
        if (!jwt.TryGetPayloadValue<object>(_appClaim, out var claim)) return new Caller(user, null);
        return claim is string name && AppId.TryParse(name, out var app) ? new Caller(user, app) : null;
    }

    /// <summary>Fetches the issuer's keys before the first caller needs them.</summary>
    /// <exception cref="IssuerUnavailableException">They cannot be had just now.</exception>
    public Task WarmUpAsync(CancellationToken cancellationToken) => _issuer?.WarmUpAsync(cancellationToken) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => _issuer?.Dispose();

    private static TokenValidationParameters Development(byte[] key, TimeProvider clock)
        => new()
        {
            ValidIssuer = DevTokens.Issuer,
            ValidAudience = DevTokens.Audience,
            IssuerSigningKey = new SymmetricSecurityKey(key),
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            LifetimeValidator = (notBefore, expires, _, _) => OidcTokens.IsCurrent(clock, notBefore, expires),
        };
}
