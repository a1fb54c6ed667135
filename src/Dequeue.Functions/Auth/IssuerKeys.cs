using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.Functions.Auth;

/// <summary>An issuer's metadata or keys cannot be had just now, and none are held that could stand in.</summary>
public sealed class IssuerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The metadata and signing keys of one OpenID Connect issuer, fetched at the first use and kept. A token whose key is not known
/// waits for a refresh, so that no caller notices a rotation; refreshes are few, so that nobody can make us flood the issuer by
/// inventing key ids. (<see cref="ConfigurationManager{T}"/> refreshes behind the caller's back instead: the first tokens of a
/// new key would be refused.)
/// </summary>
internal sealed class IssuerKeys : IDisposable
{
    /// <summary>Keys are fetched again after this long: a key that the issuer has withdrawn is trusted no longer.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    /// <summary>While the issuer is silent, keys are trusted as long as this: an outage of the issuer is not one of sync.</summary>
    private static readonly TimeSpan LifeInOutage = TimeSpan.FromHours(24);

    /// <summary>At most one refresh for unknown key ids in this time. Issuers publish a key long before they sign with it.</summary>
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(1);

    /// <summary>After a failure nobody asks again so soon: callers hear at once that they shall come back.</summary>
    private static readonly TimeSpan FailurePause = TimeSpan.FromSeconds(5);

    /// <summary>For each of the two documents. A caller without keys to stand in waits for it.</summary>
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Metadata and keys are a few kilobytes.</summary>
    private const int MaxDocumentBytes = 1024 * 1024;

    private readonly string _metadata;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http = new() { Timeout = FetchTimeout, MaxResponseContentBufferSize = MaxDocumentBytes };
    private readonly HttpDocumentRetriever _retriever;
    private readonly SemaphoreSlim _fetching = new(1, 1);
    private volatile Fetched? _fetched;
    private volatile Failure? _failure;
    private long? _lastRefresh;

    public IssuerKeys(Uri authority, TimeProvider clock)
    {
        _metadata = authority.AbsoluteUri.TrimEnd('/') + "/.well-known/openid-configuration";
        _clock = clock;
        _retriever = new HttpDocumentRetriever(_http) { RequireHttps = !authority.IsLoopback };
    }

    /// <summary>The issuer's name in its metadata, and the keys that may have signed a token.</summary>
    /// <param name="keyId">The token's <c>kid</c>; empty for a token that names none, which any key may have signed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IssuerUnavailableException">There are no keys.</exception>
    public async Task<(string Issuer, IReadOnlyList<SecurityKey> Keys)> FindAsync(string keyId, CancellationToken cancellationToken)
    {
        var known = _fetched is { } held && IsUsable(held) ? held : await FetchWhenOldAsync(cancellationToken);
        if (known.Find(keyId) is { Count: > 0 } keys) return (known.Configuration.Issuer, keys);

        known = await FetchAsync(held => held == known && RefreshIsDue(), cancellationToken);
        keys = known.Find(keyId);
        return keys.Count == 0 && _failure is { } failure ? throw Unavailable(failure.Why) : (known.Configuration.Issuer, keys);
    }

    /// <summary>Fetches the keys before they are needed. No token has named one yet, so that this is never a refresh.</summary>
    /// <exception cref="IssuerUnavailableException">There are no keys.</exception>
    public Task WarmUpAsync(CancellationToken cancellationToken) => FetchWhenOldAsync(cancellationToken);

    public void Dispose()
    {
        _http.Dispose();
        _fetching.Dispose();
    }

    // Old keys do while another caller fetches new ones: one caller waits for a slow issuer, not all.
    private bool IsUsable(Fetched held) => Age(held) < Life || (Age(held) < LifeInOutage && _fetching.CurrentCount == 0);

    private Task<Fetched> FetchWhenOldAsync(CancellationToken cancellationToken) => FetchAsync(held => Age(held) >= Life, cancellationToken);

    private async Task<Fetched> FetchAsync(Func<Fetched, bool> isNeeded, CancellationToken cancellationToken)
    {
        await _fetching.WaitAsync(cancellationToken);
        try
        {
            if (_fetched is { } held && !isNeeded(held)) return held;
            if (_failure is { } failure && _clock.GetElapsedTime(failure.At) < FailurePause) return StandIn(failure.Why);
            try
            {
                // Not the caller's token: others wait for the same answer. The client has a time-out of its own.
                var configuration = await OpenIdConnectConfigurationRetriever.GetAsync(_metadata, _retriever, CancellationToken.None);
                if (string.IsNullOrEmpty(configuration.Issuer)) throw new InvalidOperationException("The metadata names no issuer.");
                _failure = null;
                _lastRefresh = _fetched is null ? null : _clock.GetTimestamp(); // the first fetch is no refresh
                return _fetched = new Fetched(configuration, _clock.GetTimestamp());
            }
            catch (Exception why)
            {
                _failure = new Failure(why, _clock.GetTimestamp());
                return StandIn(why);
            }
        }
        finally
        {
            _fetching.Release();
        }
    }

    private Fetched StandIn(Exception why)
        => _fetched is { } held && Age(held) < LifeInOutage ? held : throw Unavailable(why);

    private IssuerUnavailableException Unavailable(Exception why) => new($"{_metadata} cannot be read.", why);

    private bool RefreshIsDue() => _lastRefresh is not { } last || _clock.GetElapsedTime(last) >= RefreshInterval;

    private TimeSpan Age(Fetched fetched) => _clock.GetElapsedTime(fetched.At);

    private sealed record Fetched(OpenIdConnectConfiguration Configuration, long At)
    {
        public List<SecurityKey> Find(string keyId)
            => [.. Configuration.SigningKeys.Where(key => (keyId.Length == 0 || string.Equals(key.KeyId, keyId, StringComparison.Ordinal)) && TokenForm.IsStrong(key))];
    }

    private sealed record Failure(Exception Why, long At);
}
