using Microsoft.AspNetCore.Http;

namespace Dequeue.WebPubSub.Tokens;

/// <summary>The token in an <c>Authorization</c> header.</summary>
internal static class Bearer
{
    private const string Scheme = "Bearer ";

    /// <summary>The token, or null when there is none.</summary>
    public static string? Read(HttpRequest request)
        => request.Headers.Authorization.ToString() is var value && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? value[Scheme.Length..].Trim()
            : null;
}
