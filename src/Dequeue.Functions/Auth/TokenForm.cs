using System.Buffers.Text;
using System.Text.Json;
using System.Text.Unicode;
using Dequeue.Contracts.Events;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.Functions.Auth;

/// <summary>What a token must be before anything that it says is looked at: one that two readers could read differently is none.</summary>
internal static class TokenForm
{
    /// <summary>Fewest bits of an RSA key: shorter ones can be broken, or soon will be.</summary>
    private const int MinRsaBits = 2048;

    /// <summary>Longest token in characters: real ones have one or two thousand, and a header of 16 KB is refused anyway.</summary>
    private const int MaxLength = 16 * 1024;

    /// <summary>Looks at header and payload.</summary>
    /// <returns>Null when they are in order; else why not, in a word for the log that repeats nothing of the token.</returns>
    public static string? Fault(string token)
    {
        if (token.Length > MaxLength || token.Split('.') is not [var header, var payload, _]) return "malformed";
        return FaultOf(header, isHeader: true) ?? FaultOf(payload, isHeader: false);
    }

    /// <summary>Whether a signature by this key proves anything.</summary>
    public static bool IsStrong(SecurityKey key)
        => key switch
        {
            RsaSecurityKey or X509SecurityKey => key.KeySize >= MinRsaBits,
            JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.RSA } => key.KeySize >= MinRsaBits,
            _ => true,
        };

    private static string? FaultOf(string part, bool isHeader)
    {
        if (!Base64Url.IsValid(part)) return "malformed";
        var json = Base64Url.DecodeFromChars(part);
        if (!Utf8.IsValid(json)) return "malformed";
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return "malformed";
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (JsonText.Of(ref reader).GetString() is not { } name) return "malformed";
                if (!names.Add(name)) return "a claim twice";

                // It names what must be understood; nothing that can stand there is.
                if (isHeader && name == "crit") return "crit";
                reader.Read();
                reader.Skip();
            }

            return reader.Read() ? "malformed" : null;
        }
        catch (JsonException)
        {
            return "malformed";
        }
    }
}
