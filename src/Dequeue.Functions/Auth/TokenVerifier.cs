using Dequeue.Contracts;
using Dequeue.Functions.Configuration;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.Functions.Auth;

/// <summary>Who calls.</summary>
/// <param name="User">The token's <c>sub</c>.</param>
/// <param name="App">The app that the token is limited to, or null when it names none.</param>
public sealed record Caller(UserId User, AppId? App);

/// <summary>Checks bearer tokens: signature, issuer, audience, times, and that they name a user.</summary>
public sealed class TokenVerifier
{
    /// <summary>How far a token issuer's clock and ours may differ.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly TokenValidationParameters _rules;
    private readonly string _appClaim;
    private readonly TimeProvider _clock;

    /// <summary>A verifier for the configured issuer.</summary>
    public TokenVerifier(AuthSettings settings, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _appClaim = settings.AppClaim;
        _clock = clock;
        _rules = settings.DevSigningKey is { } key ? Development(key) : OpenIdConnect(settings.Authority!, settings.Audience!);
        _rules.ClockSkew = ClockSkew;
        _rules.LifetimeValidator = IsCurrent;
    }

    /// <summary>Checks a token.</summary>
    /// <returns>The caller, or null when the token is not valid.</returns>
    /// <exception cref="InvalidOperationException">The issuer's keys cannot be had just now.</exception>
    public async Task<Caller?> VerifyAsync(string token)
    {
        var result = await _handler.ValidateTokenAsync(token, _rules);
        if (!result.IsValid)
        {
            // Not the caller's fault: he may come again.
            if (result.Exception is InvalidOperationException unavailable) throw unavailable;
            return null;
        }

        var jwt = (JsonWebToken)result.SecurityToken;
        if (!UserId.TryParse(jwt.Subject, out var user)) return null;
        if (!jwt.TryGetPayloadValue<string>(_appClaim, out var claim)) return new Caller(user, null);
        return AppId.TryParse(claim, out var app) ? new Caller(user, app) : null;
    }

    private static TokenValidationParameters Development(byte[] key)
        => new()
        {
            ValidIssuer = DevTokens.Issuer,
            ValidAudience = DevTokens.Audience,
            IssuerSigningKey = new SymmetricSecurityKey(key),
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        };

    private static TokenValidationParameters OpenIdConnect(Uri authority, string audience)
    {
        var metadata = authority.ToString().TrimEnd('/') + "/.well-known/openid-configuration";
        return new TokenValidationParameters
        {
            ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
                metadata, new OpenIdConnectConfigurationRetriever(), new HttpDocumentRetriever { RequireHttps = !authority.IsLoopback }),
            ValidAudience = audience,
            ValidAlgorithms =
            [
                SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.RsaSsaPssSha256,
                SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
            ],
        };
    }

    private bool IsCurrent(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters rules)
    {
        var now = _clock.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end + ClockSkew && (notBefore is not { } start || now >= start - ClockSkew);
    }
}
