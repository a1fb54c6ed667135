using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Dequeue.EndToEnd.Tests.Auth;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>Tokens that open nothing, each with what is wrong with it.</summary>
internal static class BadTokens
{
    /// <summary>For the REST calls of a host whose users are those of an issuer.</summary>
    /// <param name="issuer">The issuer.</param>
    /// <param name="key">Its key.</param>
    /// <param name="connectUrl">A URL that negotiate gave the user.</param>
    public static IReadOnlyList<(string Name, string? Token)> ForCalls(LocalIssuer issuer, SecurityKey key, Uri connectUrl)
    {
        string Token(Action<SecurityTokenDescriptor>? change = null, params (string, object?)[] claims)
            => issuer.Token(key, SecurityAlgorithms.RsaSha256, Now, change, claims);
        string SignedBy(SecurityKey other, string algorithm) => issuer.Token(other, algorithm, Now);
        var good = Token();
        var parts = good.Split('.');
        var publicKey = Encoding.UTF8.GetBytes(((RsaSecurityKey)key).Rsa.ExportSubjectPublicKeyInfoPem());
        return
        [
            ("none", null),
            ("empty", ""),
            ("malformed", "not.a.token"),
            ("two parts", $"{parts[0]}.{parts[1]}"),
            ("expired", Token(token => token.Expires = Now.AddMinutes(-2).UtcDateTime)),
            ("without end", Token(token => token.Expires = null)),
            ("not yet valid", Token(token => token.NotBefore = Now.AddMinutes(5).UtcDateTime)),
            ("forged payload", $"{parts[0]}.{Encode("""{"sub":"ada","aud":"sync-api","exp":4102444800}""")}.{parts[2]}"),
            ("forged signature", $"{parts[0]}.{parts[1]}.{Encode(new string('x', 256))}"),
            ("alg none", $"{Encode("""{"alg":"none"}""")}.{parts[1]}."),
            ("alg none with a signature", $"{Encode("""{"alg":"none","kid":"k"}""")}.{parts[1]}.{parts[2]}"),
            ("alg HMAC with the public key", SignedBy(new SymmetricSecurityKey(publicKey) { KeyId = "k" }, SecurityAlgorithms.HmacSha256)),
            ("wrong audience", Token(token => token.Audience = "another-api")),
            ("wrong issuer", Token(token => token.Issuer = "https://evil.example/")),
            ("wrong key", SignedBy(new RsaSecurityKey(RSA.Create(2048)) { KeyId = "k" }, SecurityAlgorithms.RsaSha256)),
            ("unknown key", SignedBy(new RsaSecurityKey(RSA.Create(2048)) { KeyId = "another" }, SecurityAlgorithms.RsaSha256)),
            ("no user", Token(null, ("sub", null))),
            ("a user with a blank end", Token(null, ("sub", "ada "))),
            ("unknown crit", WithCrit(issuer, (RsaSecurityKey)key)),
            ("a development token", OperationHost.Token("ada")),
            ("Web PubSub's client token", connectUrl.Query["?access_token=".Length..]),
            ("Web PubSub's service token", Hmac(Backend.AccessKey, """{"alg":"HS256"}""", $$"""{"aud":"http://localhost:{{connectUrl.Port}}/api/hubs/sync","sub":"ada","exp":4102444800}""")),
        ];
    }

    /// <summary>For the handshake of a socket.</summary>
    /// <param name="connectUrl">A URL that negotiate gave the user.</param>
    /// <param name="userToken">The user's token for REST calls.</param>
    public static IReadOnlyList<(string Name, string? Token)> ForSockets(Uri connectUrl, string userToken)
    {
        string Claims(string audience = "/client/hubs/sync", long? from = null, long? to = null)
            => $$"""{"aud":"http://localhost:{{connectUrl.Port}}{{audience}}","sub":"dequeue:ada","nbf":{{from ?? 0}},"exp":{{to ?? 4102444800}}}""";
        const string Header = """{"alg":"HS256","typ":"JWT"}""";
        var good = connectUrl.Query["?access_token=".Length..].Split('.');
        return
        [
            ("none", null),
            ("empty", ""),
            ("malformed", "not.a.token"),
            ("expired", Hmac(Backend.AccessKey, Header, Claims(to: Now.AddMinutes(-10).ToUnixTimeSeconds()))),
            ("not yet valid", Hmac(Backend.AccessKey, Header, Claims(from: Now.AddMinutes(10).ToUnixTimeSeconds()))),
            ("forged payload", $"{good[0]}.{Encode(Claims())}.{good[2]}"),
            ("alg none", $"{Encode("""{"alg":"none"}""")}.{Encode(Claims())}."),
            ("wrong audience", Hmac(Backend.AccessKey, Header, Claims("/client/hubs/another"))),
            ("a service token", Hmac(Backend.AccessKey, Header, Claims("/api/hubs/sync"))),
            ("wrong key", Hmac("another-access-key-0123456789abcdef0123456789", Header, Claims())),
            ("the user's token for calls", userToken),
            ("a development token", OperationHost.Token("ada")),
        ];
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private static string WithCrit(LocalIssuer issuer, RsaSecurityKey key)
    {
        var text = Encode("""{"alg":"RS256","kid":"k","crit":["x"],"x":1}""") + "." + Encode($$"""{"iss":"{{issuer.Name}}","aud":"sync-api","sub":"ada","exp":4102444800}""");
        return text + "." + Base64Url.EncodeToString(key.Rsa.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static string Hmac(string key, string header, string payload)
    {
        var text = $"{Encode(header)}.{Encode(payload)}";
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(text)))}";
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
