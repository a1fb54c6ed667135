using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Pushing;

/// <summary>The rules for one pushed event. What passes is kept as it is, but for an empty <c>user_id</c>, which is filled in.</summary>
internal sealed class EventRules(UserId caller)
{
    private const string IdRule = "id is 1 to 64 of A-Z a-z 0-9 _ - (a CUID or a UUID).";

    private readonly byte[] _caller = Encoding.UTF8.GetBytes(caller.Value);
    private readonly string _callerJson = JsonSerializer.Serialize(caller.Value, CallerJson);

    private static readonly JsonSerializerOptions CallerJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public List<NewEvent> Accepted { get; } = [];

    public List<RejectedEvent> Rejected { get; } = [];

    /// <param name="fields">The event's envelope.</param>
    /// <param name="json">The event.</param>
    /// <param name="offset">Where it begins in the source that the fields' offsets count in.</param>
    public void Apply(in EventFields fields, ReadOnlyMemory<byte> json, int offset)
    {
        if (!EventId.TryParse(fields.Id, out var id))
        {
            Reject(Clip(fields.Id), IdRule);
            return;
        }

        if (Broken(fields, out var committedTs) is { } why)
        {
            Reject(id.Value, why);
            return;
        }

        var (text, depth) = JsonText(fields, json, offset);
        if (depth > PushLimits.MaxEventDepth) Reject(id.Value, $"An event nests at most {PushLimits.MaxEventDepth} levels deep.");
        else if (text.Length > PushLimits.MaxEventBytes) Reject(id.Value, $"An event has at most {PushLimits.MaxEventBytes} bytes.");
        else Accepted.Add(new NewEvent(id, text, committedTs));
    }

    private string? Broken(in EventFields fields, out long timestampMs)
    {
        timestampMs = 0;
        if (fields.IsAmbiguous) return "An envelope field stands twice.";
        if (fields.Type.GetString() is not { Length: > 0 and <= PushLimits.MaxTypeLength }) return $"type is a string of 1 to {PushLimits.MaxTypeLength} characters.";
        if (!fields.Timestamp.IsPresent || !Checkpoint.TryParse(fields.Timestamp.Raw, out var timestamp)) return "ts is an RFC 3339 date-time.";
        timestampMs = timestamp.UnixMilliseconds;
        if (fields.PayloadKind != JsonTokenType.StartObject) return "payload is an object.";
        if (fields.PayloadVersion is null) return "payload_version is an integer.";
        if (fields.HasUserId && !fields.UserId.IsPresent) return "user_id is a string.";
        if (fields.UserId is { IsPresent: true, IsEmpty: false } && !fields.UserId.Equals(_caller)) return "user_id is not the caller's.";
        return null;
    }

    private (ReadOnlyMemory<byte> Text, int Depth) JsonText(in EventFields fields, ReadOnlyMemory<byte> json, int offset)
    {
        if (!fields.UserId.IsPresent) json = Splice(json, 1, $"\"user_id\":{_callerJson},");
        else if (fields.UserId.IsEmpty) json = Splice(json, fields.UserId.Offset - offset, _callerJson[1..^1]);
        return Whitespace.Remove(json);
    }

    private static byte[] Splice(ReadOnlyMemory<byte> json, int at, string text)
    {
        var insert = Encoding.UTF8.GetBytes(text);
        var filled = new byte[json.Length + insert.Length];
        json.Span[..at].CopyTo(filled);
        insert.CopyTo(filled, at);
        json.Span[at..].CopyTo(filled.AsSpan(at + insert.Length));
        return filled;
    }

    private static string Clip(string? id) => id is null ? "" : id.Length <= EventId.MaxLength ? id : id[..EventId.MaxLength];

    private void Reject(string id, string why) => Rejected.Add(new RejectedEvent(id, why));
}
