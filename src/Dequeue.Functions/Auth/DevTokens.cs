using Dequeue.Contracts;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.Functions.Auth;

/// <summary>Development tokens: HS256, for a server on one's own machine. Production refuses them.</summary>
public static class DevTokens
{
    internal const string Issuer = "dequeue-dev";
    internal const string Audience = "dequeue";

    /// <summary>Makes a token.</summary>
    /// <param name="key">The server's <c>Auth__DevSigningKey</c> as UTF-8, at least 32 bytes.</param>
    /// <param name="user">Its <c>sub</c>.</param>
    /// <param name="app">Its <c>app</c>: the one app that it opens.</param>
    /// <param name="now">When it begins.</param>
    /// <param name="life">How long it is valid.</param>
    public static string Create(byte[] key, UserId user, AppId app, DateTimeOffset now, TimeSpan life)
        => new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Audience,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = (now + life).UtcDateTime,
            Claims = new Dictionary<string, object> { ["sub"] = user.Value, ["app"] = app.Value },
            SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(key), SecurityAlgorithms.HmacSha256),
        });
}
