namespace Dequeue.Contracts.Pushing;

/// <summary>Insignificant white space: the one thing that an event may lose.</summary>
internal static class Whitespace
{
    /// <summary>Drops it from valid JSON and measures the nesting on the way.</summary>
    /// <returns>The same memory when there was none.</returns>
    public static (ReadOnlyMemory<byte> Json, int Depth) Remove(ReadOnlyMemory<byte> json)
    {
        var source = json.Span;
        byte[]? copy = null;
        var (kept, depth, deepest) = (0, 0, 0);
        for (var i = 0; i < source.Length; i++)
        {
            var c = source[i];
            if (c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                if (copy is null) source[..i].CopyTo(copy = new byte[source.Length]);
                continue;
            }

            var end = c == (byte)'"' ? EndOfString(source, i) : i + 1;
            if (copy is not null) source[i..end].CopyTo(copy.AsSpan(kept));
            kept += end - i;
            i = end - 1;
            if (c is (byte)'{' or (byte)'[') deepest = Math.Max(deepest, ++depth);
            else if (c is (byte)'}' or (byte)']') depth--;
        }

        return (copy is null ? json : copy.AsMemory(0, kept), deepest);
    }

    private static int EndOfString(ReadOnlySpan<byte> source, int quote)
    {
        for (var i = quote + 1; ; i++)
        {
            i += source[i..].IndexOfAny((byte)'"', (byte)'\\');
            if (source[i] == (byte)'"') return i + 1;
            i++;
        }
    }
}
