using System.Text;
using System.Text.Json;
using CsCheck;
using Dequeue.Contracts.Pushing;

namespace Dequeue.Sync.Tests.Pushing;

public sealed class WhitespaceTests
{
    /// <summary>Tokens of valid JSON, each of which may have white space before it.</summary>
    private static readonly Gen<IEnumerable<string>> Value = Gen.Recursive<IEnumerable<string>>((depth, self) => depth > 4
        ? Scalar
        : Gen.OneOf(
            Scalar,
            self.List[0, 4].Select(items => (IEnumerable<string>)["[", .. Joined(items), "]"]),
            Gen.Select(Text, self).List[0, 4].Select(fields => (IEnumerable<string>)["{", .. Joined(fields.Select(field => (IEnumerable<string>)[field.Item1, ":", .. field.Item2])), "}"])));

    private static Gen<string> Text => OneOf("\"\"", "\"a b\"", "\" \\\" \"", "\"\\\\\"", "\"\\u0020\\n\"", "\"é 😀 \"", "\"{ [ , : ] }\"");

    private static Gen<IEnumerable<string>> Scalar => Gen.OneOf(Text, OneOf("1.0", "-0", "12345678901234567890123", "true", "null")).Select(text => (IEnumerable<string>)[text]);

    [Fact]
    public void Only_insignificant_white_space_goes()
        => Gen.Select(Value, OneOf("", " ", "\n", "\t", "\r\n", "   ").Array[16]).Sample((tokens, spaces) =>
        {
            var list = tokens.ToList();
            var loose = Encoding.UTF8.GetBytes(string.Concat(list.Select((token, i) => spaces[i % 16] + token)) + spaces[0]);
            var tight = string.Concat(list);
            using var valid = JsonDocument.Parse(loose);

            Assert.Equal(tight, Encoding.UTF8.GetString(Whitespace.Remove(loose).Json.Span));
            Assert.Equal(Depth(valid.RootElement), Whitespace.Remove(loose).Depth);
        });

    [Fact]
    public void JSON_without_white_space_is_not_copied()
    {
        ReadOnlyMemory<byte> json = """{"a b":[1," "]}"""u8.ToArray();
        Assert.True(json.Equals(Whitespace.Remove(json).Json));
    }

    private static IEnumerable<string> Joined(IEnumerable<IEnumerable<string>> items) => items.SelectMany((item, i) => i == 0 ? item : item.Prepend(","));

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static int Depth(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => 1 + value.EnumerateArray().Select(Depth).DefaultIfEmpty().Max(),
        JsonValueKind.Object => 1 + value.EnumerateObject().Select(field => Depth(field.Value)).DefaultIfEmpty().Max(),
        _ => 0,
    };
}
