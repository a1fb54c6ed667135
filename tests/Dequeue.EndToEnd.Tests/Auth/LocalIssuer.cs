using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.EndToEnd.Tests.Auth;

/// <summary>An OpenID Connect issuer on a free port, as far as token checks see one: metadata, keys, and tokens to check.</summary>
internal sealed class LocalIssuer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<SecurityKey> _published = [];
    private int _keysFetched;

    private LocalIssuer(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = new("about:blank");

    /// <summary>The name in the metadata and the tokens; its address unless a test says otherwise.</summary>
    public string Name { get; set; } = "";

    /// <summary>While true, every call is cut off.</summary>
    public bool IsDown { get; set; }

    /// <summary>How often the keys were asked for.</summary>
    public int KeysFetched => _keysFetched;

    public static async Task<LocalIssuer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var issuer = new LocalIssuer(builder.Build());
        issuer._app.Use(async (context, next) =>
        {
            if (issuer.IsDown) context.Abort();
            else await next(context);
        });
        issuer._app.MapGet("/.well-known/openid-configuration", () => Results.Json(new Dictionary<string, string> { ["issuer"] = issuer.Name, ["jwks_uri"] = issuer.Address + "keys" }));
        issuer._app.MapGet("/keys", () =>
        {
            Interlocked.Increment(ref issuer._keysFetched);
            return Results.Text(issuer.Keys(), "application/json");
        });
        await issuer._app.StartAsync();
        issuer.Address = new Uri(issuer._app.Urls.First() + "/");
        issuer.Name = issuer.Address.AbsoluteUri;
        return issuer;
    }

    public SecurityKey NewRsaKey(string id, int bits = 2048) => Publish(new RsaSecurityKey(RSA.Create(bits)) { KeyId = id });

    public SecurityKey NewEcKey(string id) => Publish(new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = id });

    /// <summary>Takes a key out of the published ones.</summary>
    public void Withdraw(SecurityKey key)
    {
        lock (_published) _published.Remove(key);
    }

    /// <summary>A token. Null values leave a claim out.</summary>
    public string Token(SecurityKey key, string algorithm, DateTimeOffset now, Action<SecurityTokenDescriptor>? change = null, params (string Name, object? Value)[] claims)
    {
        var descriptor = new SecurityTokenDescriptor
        {
            Issuer = Name,
            Audience = "sync-api",
            NotBefore = now.UtcDateTime,
            IssuedAt = now.UtcDateTime,
            Expires = now.AddMinutes(10).UtcDateTime,
            Claims = new Dictionary<string, object> { ["sub"] = "ada" },
            SigningCredentials = new SigningCredentials(key, algorithm),
        };
        foreach (var (name, value) in claims)
        {
            if (value is null) descriptor.Claims.Remove(name);
            else descriptor.Claims[name] = value;
        }

        change?.Invoke(descriptor);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(descriptor);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private SecurityKey Publish(SecurityKey key)
    {
        lock (_published) _published.Add(key);
        return key;
    }

    private string Keys()
    {
        lock (_published)
        {
            return JsonSerializer.Serialize(new { keys = _published.Select(Public) });
        }
    }

    private static Dictionary<string, string> Public(SecurityKey key)
    {
        var jwk = JsonWebKeyConverter.ConvertFromSecurityKey(key);
        var all = new Dictionary<string, string?> { ["kty"] = jwk.Kty, ["kid"] = key.KeyId, ["use"] = "sig", ["n"] = jwk.N, ["e"] = jwk.E, ["crv"] = jwk.Crv, ["x"] = jwk.X, ["y"] = jwk.Y };
        return all.Where(pair => pair.Value is not null).ToDictionary(pair => pair.Key, pair => pair.Value!);
    }
}
