using System.Buffers;

namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>
/// JSON Merge Patch (RFC 7386) on text: an object is a list of members in their order, each value as it is spelled. Not thread-safe:
/// it keeps its working lists.
/// </summary>
internal sealed class MergePatch
{
    /// <summary>Most members of an object that is patched, added ones included. Names are searched one by one, so this is what keeps
    /// a hostile object from costing its square.</summary>
    public const int MaxMembers = 128;

    /// <summary>Most objects that are patched inside each other. Each is scanned once more for every object around it.</summary>
    public const int MaxDepth = 8;

    private readonly List<Member> _members = [];
    private readonly ArrayBufferWriter<byte> _rebuilt = new();

    private enum Change
    {
        None,
        Removed,
        Replaced,
        Patched,
        Added,
    }

    /// <summary>Writes the patch that makes <paramref name="target"/> of <paramref name="origin"/> to the byte, if there is one and it is shorter.</summary>
    /// <param name="origin">An object.</param>
    /// <param name="target">Another.</param>
    /// <param name="patch">Is cleared and gets the patch. What it holds when there is none is of no use.</param>
    public bool TryMake(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> target, ArrayBufferWriter<byte> patch)
    {
        _members.Clear();
        patch.ResetWrittenCount();
        if (!Make(origin, target, patch, 0) || patch.WrittenCount >= target.Length) return false;
        _rebuilt.ResetWrittenCount();
        return TryApply(origin, patch.WrittenSpan, _rebuilt) && _rebuilt.WrittenSpan.SequenceEqual(target);
    }

    /// <summary>Applies a patch.</summary>
    /// <param name="origin">An object.</param>
    /// <param name="patch">The patch.</param>
    /// <param name="target">Gets the object that it makes: no more bytes than these two have.</param>
    /// <returns>False when the patch is none, or names a member twice.</returns>
    public bool TryApply(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> patch, ArrayBufferWriter<byte> target)
    {
        _members.Clear();
        return Apply(origin, patch, target, 0);
    }

    // Members that stay keep their order, and new ones stand after them. So one pass over both is enough: what does not come next in
    // the target was removed, and what is left of the target was added.
    private bool Make(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> target, ArrayBufferWriter<byte> patch, int depth)
    {
        var first = _members.Count;
        if (depth == MaxDepth || !TryList(origin) || !AreUnique(origin, first)) return false;
        var added = _members.Count;
        var (at, isFirst) = (first, true);
        var members = new JsonObjectScan(target);
        while (members.Next())
        {
            var name = target[members.Name];
            var value = target[members.Value];
            while (at < added && !origin[_members[at].Name].SequenceEqual(name)) Remove(patch, origin[_members[at++].Name], ref isFirst);
            if (at < added)
            {
                var last = origin[_members[at++].Value];
                if (last.SequenceEqual(value)) continue;
                Begin(patch, name, ref isFirst);
                if (!(IsObject(last) && IsObject(value) ? Make(last, value, patch, depth + 1) : Put(patch, value))) return false;
            }
            else
            {
                if (IndexOf(origin, name, first, added) >= 0 || IndexOf(target, name, added, _members.Count) >= 0 || _members.Count - first == MaxMembers) return false;
                _members.Add(new Member(members.Name, members.Value, Change.Added));
                Begin(patch, name, ref isFirst);
                if (!Put(patch, value)) return false;
            }
        }

        while (at < added) Remove(patch, origin[_members[at++].Name], ref isFirst);
        End(patch, isFirst);
        _members.RemoveRange(first, _members.Count - first);
        return members.IsComplete;
    }

    private bool Apply(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> patch, ArrayBufferWriter<byte> target, int depth)
    {
        var first = _members.Count;
        if (depth == MaxDepth || !TryList(origin) || !TryMark(origin, patch, first)) return false;
        var isFirst = true;
        var end = _members.Count;
        for (var at = first; at < end; at++)
        {
            var member = _members[at];
            switch (member.Change)
            {
                case Change.None:
                    // Most members stay: neighbours are copied in one piece.
                    while (at + 1 < end && _members[at + 1].Change == Change.None) at++;
                    target.Write(isFirst ? "{"u8 : ","u8);
                    target.Write(origin[(member.Name.Start.Value - 1).._members[at].Value.End.Value]);
                    isFirst = false;
                    break;
                case Change.Replaced or Change.Added:
                    Begin(target, (member.Change == Change.Added ? patch : origin)[member.Name], ref isFirst);
                    target.Write(patch[member.New]);
                    break;
                case Change.Patched:
                    Begin(target, origin[member.Name], ref isFirst);
                    if (!Apply(origin[member.Value], patch[member.New], target, depth + 1)) return false;
                    break;
            }
        }

        End(target, isFirst);
        _members.RemoveRange(first, _members.Count - first);
        return true;
    }

    /// <summary>Notes at each member what a patch does to it, and the members that it adds after them.</summary>
    private bool TryMark(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> patch, int first)
    {
        var (added, next) = (_members.Count, first);
        var members = new JsonObjectScan(patch);
        while (members.Next())
        {
            var name = patch[members.Name];
            var value = patch[members.Value];

            // A patch goes through its origin in order: the next one is seldom far.
            var at = IndexOf(origin, name, next, added);
            if (at < 0) at = IndexOf(origin, name, first, next);
            if (at >= 0)
            {
                var member = _members[at];
                if (member.Change != Change.None) return false;
                var change = value.SequenceEqual("null"u8) ? Change.Removed : IsObject(value) && IsObject(origin[member.Value]) ? Change.Patched : Change.Replaced;
                _members[at] = member with { Change = change, New = members.Value };
                next = at + 1;
            }
            else if (!value.SequenceEqual("null"u8))
            {
                if (IndexOf(patch, name, added, _members.Count) >= 0 || _members.Count - first == MaxMembers) return false;
                _members.Add(new Member(members.Name, default, Change.Added, members.Value));
            }
        }

        return members.IsComplete;
    }

    private bool TryList(ReadOnlySpan<byte> json)
    {
        var first = _members.Count;
        var members = new JsonObjectScan(json);
        while (members.Next())
        {
            if (_members.Count - first == MaxMembers) return false;
            _members.Add(new Member(members.Name, members.Value));
        }

        return members.IsComplete;
    }

    private bool AreUnique(ReadOnlySpan<byte> json, int first)
    {
        for (var at = first + 1; at < _members.Count; at++)
        {
            if (IndexOf(json, json[_members[at].Name], first, at) >= 0) return false;
        }

        return true;
    }

    private int IndexOf(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name, int start, int end)
    {
        for (var at = start; at < end; at++)
        {
            if (json[_members[at].Name].SequenceEqual(name)) return at;
        }

        return -1;
    }

    private static bool IsObject(ReadOnlySpan<byte> value) => value is [(byte)'{', ..];

    private static void Begin(ArrayBufferWriter<byte> json, ReadOnlySpan<byte> name, ref bool isFirst)
    {
        json.Write(isFirst ? "{\""u8 : ",\""u8);
        json.Write(name);
        json.Write("\":"u8);
        isFirst = false;
    }

    private static void End(ArrayBufferWriter<byte> json, bool isEmpty) => json.Write(isEmpty ? "{}"u8 : "}"u8);

    private static void Remove(ArrayBufferWriter<byte> patch, ReadOnlySpan<byte> name, ref bool isFirst)
    {
        Begin(patch, name, ref isFirst);
        patch.Write("null"u8);
    }

    // A null would remove, and one inside a new object is what RFC 7386 leaves out: so that a patch means the same to any reader of it.
    private static bool Put(ArrayBufferWriter<byte> patch, ReadOnlySpan<byte> value)
    {
        if (value.SequenceEqual("null"u8) || (IsObject(value) && value.IndexOf("null"u8) >= 0)) return false;
        patch.Write(value);
        return true;
    }

    /// <summary>A member of an object, and what becomes of it.</summary>
    /// <param name="Name">Where its name stands: in the patch, if it is added.</param>
    /// <param name="Value">Where its value stands in the origin.</param>
    /// <param name="Change">What the patch does to it.</param>
    /// <param name="New">Where the patch's value stands.</param>
    private readonly record struct Member(Range Name, Range Value, Change Change = Change.None, Range New = default);
}
