using System.Security.Cryptography;
using System.Text;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.EndToEnd.Tests.Auth;

public sealed class TokenVerifierTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private LocalIssuer _issuer = null!;
    private TokenVerifier _verifier = null!;
    private SecurityKey _key = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await LocalIssuer.StartAsync();
        _key = _issuer.NewRsaKey("first");
        _verifier = new TokenVerifier(new AuthSettings(_issuer.Address, "sync-api", "https://dequeue.app/tenant", null), _clock);
    }

    public ValueTask DisposeAsync()
    {
        _verifier.Dispose();
        return _issuer.DisposeAsync();
    }

    [Theory]
    [InlineData(SecurityAlgorithms.RsaSha256)]
    [InlineData(SecurityAlgorithms.RsaSha512)]
    [InlineData(SecurityAlgorithms.RsaSsaPssSha256)]
    [InlineData(SecurityAlgorithms.EcdsaSha256)]
    public async Task A_token_of_the_issuer_names_its_user(string algorithm)
    {
        var key = algorithm == SecurityAlgorithms.EcdsaSha256 ? _issuer.NewEcKey("ec") : _key;
        var caller = await VerifyAsync(_issuer.Token(key, algorithm, Now));
        Assert.Equal("ada", caller?.User.Value);
        Assert.Null(caller!.App);
    }

    [Fact]
    public async Task The_configured_claim_names_the_app_and_one_that_is_no_app_id_opens_nothing()
    {
        const string Claim = "https://dequeue.app/tenant";
        Assert.Equal("notes", (await VerifyAsync(Token((Claim, "notes"))))?.App?.Value);
        Assert.Null((await VerifyAsync(Token(("app", "notes"))))!.App);
        foreach (var wrong in new object[] { "", "a b", 7, true, new[] { "notes", "other" }, new Dictionary<string, object> { ["id"] = "notes" } })
            Assert.Null(await VerifyAsync(Token((Claim, wrong))));
    }

    [Fact]
    public async Task Wrong_issuers_audiences_times_and_subjects_are_refused()
    {
        Assert.NotNull(await VerifyAsync(Token()));
        Assert.Null(await VerifyAsync(Token(token => token.Issuer = "https://evil.example/")));
        Assert.Null(await VerifyAsync(Token(token => token.Issuer = null)));
        Assert.Null(await VerifyAsync(Token(token => token.Audience = "another-api")));
        Assert.Null(await VerifyAsync(Token(token => token.Audience = null)));
        Assert.Null(await VerifyAsync(Token(token => token.Expires = null)));
        Assert.Null(await VerifyAsync(Token(("sub", null))));
        Assert.Null(await VerifyAsync(Token(("sub", ""))));
        Assert.Null(await VerifyAsync(Token(("sub", "line\nbreak"))));
        Assert.Null(await VerifyAsync(Token(("sub", new string('x', 1000)))));
        foreach (var blank in new[] { "ada ", " ada", "ada\t", "ada\r\n", "ada\u00A0", "\u3000ada", "\uFEFFada", "ada\u200B", "\u0085ada", " " }) Assert.Null(await VerifyAsync(Token(("sub", blank))));
    }

    [Fact]
    public async Task Times_are_checked_with_a_minute_of_skew()
    {
        var token = Token();
        _clock.Advance(TimeSpan.FromMinutes(10.9));
        Assert.NotNull(await VerifyAsync(token));
        _clock.Advance(TimeSpan.FromMinutes(0.2));
        Assert.Null(await VerifyAsync(token));

        Assert.NotNull(await VerifyAsync(Token(later => later.NotBefore = Now.AddSeconds(50).UtcDateTime)));
        Assert.Null(await VerifyAsync(Token(later => later.NotBefore = Now.AddSeconds(70).UtcDateTime)));
    }

    [Fact]
    public async Task Nobody_signs_with_what_is_public()
    {
        await VerifyAsync(Token());
        var fetched = _issuer.KeysFetched;
        var rsa = ((RsaSecurityKey)_key).Rsa;
        foreach (var secret in new[] { rsa.ExportSubjectPublicKeyInfo(), Encoding.UTF8.GetBytes(rsa.ExportSubjectPublicKeyInfoPem()), rsa.ExportRSAPublicKey() })
            Assert.Null(await VerifyAsync(_issuer.Token(new SymmetricSecurityKey(secret) { KeyId = "first" }, SecurityAlgorithms.HmacSha256, Now)));

        var parts = Token().Split('.');
        foreach (var none in new[] { "none", "None", "" })
        {
            var header = Base64UrlEncoder.Encode($$"""{"alg":"{{none}}","kid":"first","typ":"JWT"}""");
            Assert.Null(await VerifyAsync($"{header}.{parts[1]}."));
            Assert.Null(await VerifyAsync($"{header}.{parts[1]}.{parts[2]}"));
        }

        Assert.Null(await VerifyAsync(_issuer.Token(new RsaSecurityKey(RSA.Create(2048)) { KeyId = "first" }, SecurityAlgorithms.RsaSha256, Now)));
        Assert.Null(await VerifyAsync($"{parts[0]}.{Base64UrlEncoder.Encode("""{"sub":"eve"}""")}.{parts[2]}"));
        Assert.Equal(fetched, _issuer.KeysFetched);
    }

    [Fact]
    public async Task A_token_that_two_readers_could_read_differently_or_that_wants_something_unknown_is_refused()
    {
        var key = ((RsaSecurityKey)_key).Rsa;
        var expires = Now.AddMinutes(10).ToUnixTimeSeconds();
        string Payload(string more = "") => $$"""{"iss":"{{_issuer.Name}}","aud":"sync-api","sub":"ada","exp":{{expires}}{{more}}}""";
        const string Header = """{"alg":"RS256","kid":"first","typ":"JWT"}""";
        Assert.Equal("ada", (await VerifyAsync(Signed(key, Header, Payload())))?.User.Value);

        foreach (var (header, payload) in new[]
        {
            ("""{"alg":"RS256","kid":"first","crit":["exp"],"exp":1}""", Payload()),
            ("""{"alg":"RS256","kid":"first","crit":["b64"],"b64":false}""", Payload()),
            ("""{"alg":"RS256","kid":"first","crit":[]}""", Payload()),
            ("""{"alg":"RS256","kid":"first","cr\u0069t":["x"]}""", Payload()),
            ("""{"alg":"none","alg":"RS256","kid":"first"}""", Payload()),
            (Header, Payload(""","sub":"eve" """)),
            (Header, Payload(""","s\u0075b":"eve" """)),
            (Header, Payload($$""","exp":{{expires + 1}}""")),
            (Header, Payload(""","aud":"another" """)),
            (Header, Payload() + "{}"),
            (Header, "[" + Payload() + "]"),
        })
        {
            Assert.Null(await VerifyAsync(Signed(key, header, payload)));
        }
    }

    [Fact]
    public async Task An_RSA_key_of_less_than_2048_bits_proves_nothing()
    {
        foreach (var (bits, isStrong) in new[] { (1024, false), (2040, false), (2048, true) })
        {
            var key = _issuer.NewRsaKey($"k{bits}", bits);
            _clock.Advance(TimeSpan.FromMinutes(1));
            var payload = $$"""{"iss":"{{_issuer.Name}}","aud":"sync-api","sub":"ada","exp":{{Now.AddMinutes(10).ToUnixTimeSeconds()}}}""";
            foreach (var header in new[] { $$"""{"alg":"RS256","kid":"k{{bits}}"}""", """{"alg":"RS256"}""" })
                Assert.Equal((bits, isStrong), (bits, await VerifyAsync(Signed(((RsaSecurityKey)key).Rsa, header, payload)) is not null));
        }
    }

    [Fact]
    public async Task A_development_token_is_held_to_the_same_form()
    {
        const string Key = "0123456789abcdef0123456789abcdef";
        using var verifier = new TokenVerifier(new AuthSettings(null, null, "app", Encoding.UTF8.GetBytes(Key)), _clock);
        string Token(string header, string more = "")
        {
            var text = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode($$"""{"iss":"dequeue-dev","aud":"dequeue","sub":"ada","exp":{{Now.AddMinutes(10).ToUnixTimeSeconds()}}{{more}}}""")}";
            return $"{text}.{Base64UrlEncoder.Encode(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), Encoding.UTF8.GetBytes(text)))}";
        }

        async Task<Caller?> CallerAsync(string token) => await verifier.VerifyAsync(token, TestContext.Current.CancellationToken);
        Assert.NotNull(await CallerAsync(Token("""{"alg":"HS256"}""")));
        Assert.Null(await CallerAsync(Token("""{"alg":"HS256","crit":["x"]}""")));
        Assert.Null(await CallerAsync(Token("""{"alg":"HS256"}""", ""","sub":"eve" """)));
        Assert.Null(await CallerAsync(Token("""{"alg":"HS256"}""", ""","app":"a","app":"b" """)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("a.b.c")]
    [InlineData("....")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.AAAA")]
    [InlineData("bnVsbA.bnVsbA.AAAA")]
    public async Task Rubbish_is_no_token(string text) => Assert.Null(await VerifyAsync(text));

    [Fact]
    public async Task The_first_token_of_a_new_key_is_accepted_and_an_old_key_that_was_withdrawn_soon_is_not()
    {
        var old = Token();
        Assert.NotNull(await VerifyAsync(old));
        var second = _issuer.NewEcKey("second");
        _issuer.Withdraw(_key);

        Assert.NotNull(await VerifyAsync(_issuer.Token(second, SecurityAlgorithms.EcdsaSha256, Now)));
        Assert.Null(await VerifyAsync(old));
        Assert.Equal(2, _issuer.KeysFetched);
    }

    [Fact]
    public async Task A_key_that_was_withdrawn_without_a_successor_is_trusted_an_hour_at_most()
    {
        Assert.NotNull(await VerifyAsync(Token()));
        _issuer.Withdraw(_key);
        Assert.NotNull(await VerifyAsync(Token()));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await VerifyAsync(Token()));
    }

    [Fact]
    public async Task Invented_key_ids_do_not_make_us_flood_the_issuer()
    {
        Assert.NotNull(await VerifyAsync(Token()));
        for (var i = 0; i < 20; i++)
        {
            var stranger = new RsaSecurityKey(((RsaSecurityKey)_key).Rsa) { KeyId = $"invented-{i}" };
            Assert.Null(await VerifyAsync(_issuer.Token(stranger, SecurityAlgorithms.RsaSha256, Now)));
        }

        Assert.Equal(2, _issuer.KeysFetched);
        var third = _issuer.NewRsaKey("third");
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.NotNull(await VerifyAsync(_issuer.Token(third, SecurityAlgorithms.RsaSha256, Now)));
    }

    [Fact]
    public async Task Callers_at_once_share_one_fetch()
    {
        var callers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => VerifyAsync(Token())));
        Assert.All(callers, Assert.NotNull);
        Assert.Equal(1, _issuer.KeysFetched);
    }

    [Fact]
    public async Task Without_its_issuer_a_token_is_neither_valid_nor_invalid_until_the_issuer_is_back()
    {
        _issuer.IsDown = true;
        await Assert.ThrowsAsync<IssuerUnavailableException>(() => VerifyAsync(Token()));
        _issuer.IsDown = false;
        await Assert.ThrowsAsync<IssuerUnavailableException>(() => VerifyAsync(Token()));
        Assert.Equal(0, _issuer.KeysFetched);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.NotNull(await VerifyAsync(Token()));
    }

    [Fact]
    public async Task An_issuer_that_falls_silent_later_stops_nobody_for_a_day()
    {
        Assert.NotNull(await VerifyAsync(Token()));
        _issuer.IsDown = true;
        var unknown = _issuer.NewRsaKey("unknown");
        await Assert.ThrowsAsync<IssuerUnavailableException>(() => VerifyAsync(_issuer.Token(unknown, SecurityAlgorithms.RsaSha256, Now)));
        _clock.Advance(TimeSpan.FromHours(23));
        Assert.NotNull(await VerifyAsync(Token()));
        _clock.Advance(TimeSpan.FromHours(1));
        await Assert.ThrowsAsync<IssuerUnavailableException>(() => VerifyAsync(Token()));
    }

    private static string Signed(RSA key, string header, string payload)
    {
        var text = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode(payload)}";
        return $"{text}.{Base64UrlEncoder.Encode(key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private DateTimeOffset Now => _clock.GetUtcNow();

    private Task<Caller?> VerifyAsync(string token) => _verifier.VerifyAsync(token, TestContext.Current.CancellationToken);

    private string Token(params (string, object?)[] claims) => _issuer.Token(_key, SecurityAlgorithms.RsaSha256, Now, null, claims);

    private string Token(Action<SecurityTokenDescriptor> change) => _issuer.Token(_key, SecurityAlgorithms.RsaSha256, Now, change);
}
