using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Tests.Events;

public sealed class EventDigestTests
{
    [Theory]
    [InlineData("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("{}", "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356")]
    [InlineData("{\"id\":\"a\"} {\"id\":\"b\"}", "aed840b5eabc1e092391c784bf8a6ae67a7c536cf1a521689af490f6ea9ac42b")]
    public void Known_answers(string events, string expected)
    {
        using var digest = new EventDigest();
        foreach (var json in events.Split(' ', StringSplitOptions.RemoveEmptyEntries)) digest.Append(Encoding.UTF8.GetBytes(json));
        Assert.Equal(expected, digest.ToString());
        Assert.Equal(expected, digest.ToString());
    }

    [Fact]
    public void It_is_the_hash_of_the_lines_whatever_their_lengths()
        => Gen.Byte.Array[0, 40_000].Array[0, 12].Sample(
            static events =>
            {
                using var digest = new EventDigest();
                using var lines = new MemoryStream();
                foreach (var json in events)
                {
                    digest.Append(json);
                    _ = digest.ToString();
                    lines.Write(json);
                    lines.WriteByte((byte)'\n');
                }

                return digest.ToString() == Convert.ToHexStringLower(SHA256.HashData(lines.ToArray()));
            },
            iter: 200);

    [Theory]
    [InlineData(16 * 1024 - 1)]
    [InlineData(16 * 1024)]
    [InlineData(16 * 1024 + 1)]
    public void Events_at_the_edge_of_a_block_are_hashed_whole(int length)
    {
        var json = new byte[length];
        using var digest = new EventDigest();
        digest.Append("a"u8);
        digest.Append(json);
        digest.Append(json);
        byte[] lines = [(byte)'a', (byte)'\n', .. json, (byte)'\n', .. json, (byte)'\n'];
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(lines)), digest.ToString());
    }
}
