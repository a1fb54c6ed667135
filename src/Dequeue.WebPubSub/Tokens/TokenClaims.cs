using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dequeue.WebPubSub.Tokens;

/// <summary>The claims of a token whose signature holds: each a name with one or more values, kept as text.</summary>
internal sealed class TokenClaims
{
    /// <summary>How far two clocks may differ; also what Azure's token libraries allow.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, IReadOnlyList<string>> _claims = new(StringComparer.Ordinal);

    /// <summary>All claims, as they are told to the <c>connect</c> handler.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> All => _claims;

    /// <summary>The user, when the token names one.</summary>
    public string? UserId => this["sub"] is [var user, ..] ? user : null;

    /// <summary>The values of a claim; empty when it is absent.</summary>
    public IReadOnlyList<string> this[string name] => _claims.GetValueOrDefault(name, []);

    /// <summary>Reads a payload: a JSON object whose <c>exp</c> is not past and whose <c>nbf</c> is not to come.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, DateTimeOffset now, out TokenClaims claims)
    {
        claims = new TokenClaims();
        try
        {
            var reader = new Utf8JsonReader(payload);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                claims._claims[name] = ReadValues(ref reader, payload);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }

        return claims.TryTime("exp", out var expires) && now < expires + ClockSkew
            && (claims["nbf"].Count == 0 || claims.TryTime("nbf", out var from) && now >= from - ClockSkew);
    }

    private bool TryTime(string name, out DateTimeOffset time)
    {
        time = default;
        var latest = DateTimeOffset.MaxValue.AddDays(-1).ToUnixTimeSeconds();
        if (this[name] is not [var text] || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            || !(seconds >= 0 && seconds <= latest))
        {
            return false;
        }

        time = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
        return true;
    }

    private static List<string> ReadValues(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload)
    {
        var values = new List<string>(1);
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) values.Add(ReadValue(ref reader, payload));
        }
        else if (reader.TokenType != JsonTokenType.Null)
        {
            values.Add(ReadValue(ref reader, payload));
        }

        return values;
    }

    private static string ReadValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> payload)
    {
        if (reader.TokenType == JsonTokenType.String) return reader.GetString()!;
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return Encoding.UTF8.GetString(payload[start..(int)reader.BytesConsumed]);
    }
}
