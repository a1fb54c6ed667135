using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Dequeue.FunctionsHost.Http;

/// <summary>
/// The key of functions that are not anonymous: header <c>x-functions-key</c> or query parameter <c>code</c>. With no key
/// configured nobody passes: what is refused in Azure is not let through here.
/// </summary>
internal sealed class KeyCheck(string? key)
{
    /// <summary>The setting that holds the key.</summary>
    public const string Setting = "Functions__Key";

    private readonly byte[]? _key = string.IsNullOrEmpty(key) ? null : Encoding.UTF8.GetBytes(key);

    public bool HasKey => _key is not null;

    /// <summary>Whether the request shows the key.</summary>
    public bool Allows(HttpRequest request)
    {
        var shown = request.Headers["x-functions-key"].FirstOrDefault() ?? request.Query["code"].FirstOrDefault();
        return _key is not null && shown is not null && CryptographicOperations.FixedTimeEquals(_key, Encoding.UTF8.GetBytes(shown));
    }
}
