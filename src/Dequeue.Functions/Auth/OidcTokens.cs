using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.Functions.Auth;

/// <summary>
/// Checks tokens of one OpenID Connect issuer: signature by a key that the issuer publishes, issuer, audience and times. What else
/// a token must say is the caller's to check.
/// </summary>
/// <param name="authority">The issuer, whose metadata tells its keys.</param>
/// <param name="audiences">The audiences of which a token names one.</param>
/// <param name="clock">Tells the time.</param>
/// <param name="moreIssuers">Names that the issuer's tokens may bear besides that in its metadata.</param>
internal sealed class OidcTokens(Uri authority, IReadOnlyList<string> audiences, TimeProvider clock, params string[] moreIssuers) : IDisposable
{
    /// <summary>How far the issuer's clock and ours may differ.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    /// <summary>Public keys only. HMAC is not among them: with it, whoever knows the issuer's public key could sign.</summary>
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly IssuerKeys _keys = new(authority, clock);

    /// <summary>Checks a token.</summary>
    /// <returns>The token, or why it is not valid: a word for the log that repeats nothing of the token.</returns>
    /// <exception cref="IssuerUnavailableException">The issuer's keys cannot be had just now.</exception>
    public async Task<(JsonWebToken? Token, string? Why)> VerifyAsync(string text, CancellationToken cancellationToken)
    {
        if (TokenForm.Fault(text) is { } fault) return (null, fault);
        if (!_handler.CanReadToken(text)) return (null, "malformed");
        JsonWebToken token;
        try
        {
            token = _handler.ReadJsonWebToken(text);
        }
        catch (Exception malformed) when (malformed is ArgumentException or SecurityTokenException)
        {
            return (null, "malformed");
        }

        // Before the keys: rubbish shall not make us ask the issuer for them.
        if (!Algorithms.Contains(token.Alg)) return (null, "alg");
        var (issuer, keys) = await _keys.FindAsync(token.Kid ?? "", cancellationToken);
        if (keys.Count == 0) return (null, "kid");
        var result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidAlgorithms = Algorithms,
            IssuerSigningKeys = keys,
            ValidIssuers = [issuer, .. moreIssuers],
            ValidAudiences = audiences,
            LifetimeValidator = (notBefore, expires, _, _) => IsCurrent(clock, notBefore, expires),
        });
        return result.IsValid ? (token, null) : (null, Why(result.Exception));
    }

    /// <summary>Fetches the issuer's keys before they are needed.</summary>
    /// <exception cref="IssuerUnavailableException">They cannot be had just now.</exception>
    public Task WarmUpAsync(CancellationToken cancellationToken) => _keys.WarmUpAsync(cancellationToken);

    /// <summary>Whether a token is valid now, as far as clocks can tell. One that never expires is not.</summary>
    public static bool IsCurrent(TimeProvider clock, DateTime? notBefore, DateTime? expires)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end + ClockSkew && (notBefore is not { } start || now >= start - ClockSkew);
    }

    /// <inheritdoc/>
    public void Dispose() => _keys.Dispose();

    private static string Why(Exception failure) => failure switch
    {
        SecurityTokenInvalidIssuerException => "iss",
        SecurityTokenInvalidAudienceException => "aud",
        SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException or SecurityTokenNotYetValidException => "exp or nbf",
        SecurityTokenInvalidSignatureException => "signature",
        _ => "not valid",
    };
}
