using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CsCheck;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.Site.Tests;

/// <summary>The reading of JSON text and the SHA-256 of the client for JavaScript, against those of .NET.</summary>
public sealed class ModuleTests(Backend backend, Browser browser)
{
    private static readonly Gen<string> Space = OneOf("", "", "", " ", "\n\t ");

    private static readonly Gen<string> Scalars = OneOf(
        "null", "true", "0", "-0.0", "1e+5", "12345678901234567890", "\"\"", "\"\\\"\"", "\"\\\\\"", "\"\\\\\\\"}],{[:\"", "\"é🙂\"", "\"\\ud800\"", "{}", "[]", "[ ]", "{ }");

    private static readonly Gen<string> Values = Value(3);

    [Fact]
    public async Task Values_are_cut_out_of_any_JSON_as_they_are_spelled()
    {
        var texts = Values.Array[400].Single(_ => true, "0N0XIzNsQ0O2");
        await using var visitor = await browser.VisitAsync(backend.Address);
        var cut = await visitor.Page.EvaluateAsync<string[][]>(
            """
            async texts => {
              const { elements, members } = await import('/page/client/json-text.js');
              return texts.map(text => text.startsWith('{') ? [...members(text)].flatMap(({ name, start, end }) => [name, text.slice(start, end)]) : text.startsWith('[') ? elements(text) : []);
            }
            """,
            texts);
        Assert.All(texts.Zip(cut), pair => Assert.Equal(Parts(pair.First), pair.Second));
        Assert.Contains(cut, parts => parts.Length > 4);
    }

    [Fact]
    public async Task The_digest_is_SHA_256_wherever_its_blocks_are_cut()
    {
        string[][] batches = [.. Enumerable.Range(0, 130).Select(length => new[] { new string('x', length), "é🙂" })];
        await using var visitor = await browser.VisitAsync(backend.Address);
        var digests = await visitor.Page.EvaluateAsync<string[]>(
            """
            async batches => {
              const { EventDigest } = await import('/page/client/digest.js');
              const all = new EventDigest();
              const each = batches.map(batch => { const digest = new EventDigest(); digest.add(batch); digest.add([]); all.add(batch); return digest.end(); });
              return [...each, new EventDigest().end(), all.end()];
            }
            """,
            batches);
        Assert.Equal([.. batches.Select(Digest), Digest([]), Digest(batches.SelectMany(batch => batch))], digests);
    }

    private static string Digest(IEnumerable<string> events)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(events.Select(json => json + "\n")))));

    private static string[] Parts(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind switch
        {
            JsonValueKind.Object => [.. document.RootElement.EnumerateObject().SelectMany(member => new[] { $"\"{member.Name}\"", member.Value.GetRawText() })],
            JsonValueKind.Array => [.. document.RootElement.EnumerateArray().Select(value => value.GetRawText())],
            _ => [],
        };
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static Gen<string> Value(int depth)
        => depth == 0
            ? Scalars
            : Gen.Select(OneOf("a", "é", "}", "id"), Space, Value(depth - 1)).Array[0, 4].SelectMany(parts => Gen.Select(Scalars, Gen.Int[0, 4]).Select((scalar, kind) => kind switch
            {
                0 => scalar,
                1 or 2 => $"{{{string.Join(',', parts.Select(part => $"{part.Item2}\"{part.Item1}\"{part.Item2}:{part.Item2}{part.Item3}{part.Item2}"))}}}",
                _ => $"[{string.Join(',', parts.Select(part => $"{part.Item2}{part.Item3}{part.Item2}"))}]",
            }));
}
