using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Telemetry;

/// <summary>The token that an operator shows, who may ask how a server is.</summary>
internal sealed class OperatorToken(string token)
{
    /// <summary>What <c>Operator__Token</c> is called among settings.</summary>
    public const string Setting = "Operator:Token";

    private const string Bearer = "Bearer ";

    private readonly byte[] _token = Encoding.UTF8.GetBytes(token);

    /// <summary>Whether a request has it as its bearer.</summary>
    public bool IsShownBy(HttpRequest request)
        => request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(_token, Encoding.UTF8.GetBytes(header[Bearer.Length..].Trim()));
}
