using System.Security.Cryptography;
using CsCheck;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;

namespace Dequeue.Sync.Tests.Log;

public sealed class Sha256StateTests
{
    [Theory]
    [InlineData("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    public void The_examples_of_the_standard(string text, string digest)
    {
        var hash = new Sha256State();
        hash.Append(System.Text.Encoding.ASCII.GetBytes(text));
        Assert.Equal(digest, Convert.ToHexStringLower(hash.Digest()));
    }

    [Fact]
    public void However_the_bytes_are_split_and_the_state_is_stored_the_digest_is_the_platforms()
        => Gen.Select(Gen.Byte.Array[0, 200].List[0, 12], Gen.Bool.List[12, 12]).Sample((parts, stored) =>
        {
            var hash = new Sha256State();
            var length = 0;
            for (var i = 0; i < parts.Count; i++)
            {
                hash.Append(parts[i]);
                length += parts[i].Length;
                if (stored[i % stored.Count]) hash = Sha256State.Load(hash.Save(), length)!;
                Assert.Equal(SHA256.HashData([.. parts.Take(i + 1).SelectMany(part => part)]), hash.Digest());
            }
        });

    [Fact]
    public void A_length_around_each_block_boundary_and_a_long_one()
    {
        foreach (var length in Enumerable.Range(0, 260).Append(1_000_003))
        {
            var bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            var hash = new Sha256State();
            hash.Append(bytes);
            Assert.Equal(SHA256.HashData(bytes), hash.Digest());
        }
    }

    [Fact]
    public void A_stored_state_that_does_not_belong_to_its_length_is_refused()
    {
        var hash = new Sha256State();
        hash.Append(new byte[70]);
        var stored = hash.Save();
        Assert.Equal(32 + 6, stored.Length);
        Assert.NotNull(Sha256State.Load(stored, 70));
        Assert.Null(Sha256State.Load(stored, 71));
        Assert.Null(Sha256State.Load(stored, -58));
        Assert.Null(Sha256State.Load(stored.AsSpan(1), 70));
        Assert.Null(Sha256State.Load([], 0));
    }
}
