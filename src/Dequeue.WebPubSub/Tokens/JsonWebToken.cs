using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Dequeue.WebPubSub.Tokens;

/// <summary>JSON Web Tokens in the one form that Web PubSub uses: HS256 with the UTF-8 bytes of the access key.</summary>
internal static class JsonWebToken
{
    /// <summary>Longest token that is read; far above the tokens of the SDKs, even with hundreds of roles.</summary>
    public const int MaxLength = 32 * 1024;

    private static readonly string EncodedHeader = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    /// <summary>Signs a JSON payload.</summary>
    public static string Sign(ReadOnlySpan<byte> key, ReadOnlySpan<byte> payload)
    {
        var content = $"{EncodedHeader}.{Base64Url.EncodeToString(payload)}";
        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(content), signature);
        return $"{content}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>Checks the algorithm and the signature, before anything of the payload is looked at.</summary>
    /// <returns>False when the token is malformed, of another algorithm, or not signed with the key.</returns>
    public static bool TryVerify(ReadOnlySpan<char> token, ReadOnlySpan<byte> key, out byte[] payload)
    {
        payload = [];
        var first = token.IndexOf('.');
        var last = token.LastIndexOf('.');
        if (token.Length > MaxLength || first <= 0 || last <= first || !Ascii.IsValid(token)) return false;

        var content = new byte[last];
        Encoding.ASCII.GetBytes(token[..last], content);
        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, content, expected);
        return TryDecode(token[(last + 1)..], signature, out var length) && length == signature.Length
            && CryptographicOperations.FixedTimeEquals(signature, expected)
            && TryDecode(token[..first], out var header) && IsHs256(header)
            && TryDecode(token[(first + 1)..last], out payload);
    }

    private static bool IsHs256(ReadOnlySpan<byte> header)
    {
        try
        {
            var reader = new Utf8JsonReader(header);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            var found = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isAlgorithm = reader.ValueTextEquals("alg"u8);
                reader.Read();
                if (isAlgorithm) found = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("HS256"u8);
                reader.Skip();
            }

            return found;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (!TryDecode(text, bytes, out var length)) return false;
        Array.Resize(ref bytes, length);
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes, out int length)
    {
        length = 0;
        return Base64Url.IsValid(text) && Base64Url.TryDecodeFromChars(text, bytes, out length);
    }
}
