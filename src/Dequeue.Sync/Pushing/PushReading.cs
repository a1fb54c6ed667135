using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Pushing;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Pushing;

/// <summary>
/// The events of one push, held against <see cref="EventRules"/> and the caller. What passes is kept as it is, but for an empty
/// <c>user_id</c>, which is filled in.
/// </summary>
internal sealed class PushReading(UserId caller)
{
    private readonly byte[] _caller = Encoding.UTF8.GetBytes(caller.Value);
    private readonly string _callerJson = JsonSerializer.Serialize(caller.Value, CallerJson);

    private static readonly JsonSerializerOptions CallerJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public List<NewEvent> Accepted { get; } = [];

    public List<RefusedEvent> Rejected { get; } = [];

    /// <param name="fields">The event's envelope.</param>
    /// <param name="json">The event.</param>
    /// <param name="offset">Where it begins in the source that the fields' offsets count in.</param>
    public void Apply(in EventFields fields, ReadOnlyMemory<byte> json, int offset)
    {
        if (!EventId.TryParse(fields.Id, out var id))
        {
            Reject(Clip(fields.Id), EventRules.IdRule);
            return;
        }

        if ((EventRules.Broken(fields, out var timestamp) ?? ForeignUser(fields)) is { } why)
        {
            Reject(id.Value, why);
            return;
        }

        var text = Whitespace.Remove(Filled(fields, json, offset));
        if (EventRules.Broken(text) is { } tooMuch) Reject(id.Value, tooMuch);
        else Accepted.Add(new NewEvent(id, text.Json, timestamp.UnixMilliseconds));
    }

    private string? ForeignUser(in EventFields fields)
        => fields.UserId is { IsPresent: true, IsEmpty: false } && !fields.UserId.Equals(_caller) ? "user_id is not the caller's." : null;

    private ReadOnlyMemory<byte> Filled(in EventFields fields, ReadOnlyMemory<byte> json, int offset)
        => !fields.UserId.IsPresent ? Splice(json, 1, $"\"user_id\":{_callerJson},")
            : fields.UserId.IsEmpty ? Splice(json, fields.UserId.Offset - offset, _callerJson[1..^1])
            : json;

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

    private void Reject(string id, string why) => Rejected.Add(new RefusedEvent(id, why));
}
