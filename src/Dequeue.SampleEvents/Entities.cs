using System.Text.Json;

namespace Dequeue.SampleEvents;

/// <summary>
/// Something that events are about. Its fields are numbered by bits, so that the same code writes a whole state and the few
/// fields of <c>changes</c>. A field without a value is left out of a state, and null in changes, as the app does it.
/// </summary>
internal abstract class Entity(string id, long now)
{
    public const int All = ~0;
    public const int UpdatedField = 1 << 30;

    public string Id { get; } = id;

    public long CreatedAt { get; } = now;

    public long UpdatedAt { get; set; } = now;

    public abstract void Write(Utf8JsonWriter json, int fields);

    protected void WriteTimes(Utf8JsonWriter json, int fields)
    {
        if (fields == All) json.WriteNumber("createdAt"u8, CreatedAt);
        if ((fields & UpdatedField) != 0) json.WriteNumber("updatedAt"u8, UpdatedAt);
        if (fields == All) json.WriteBoolean("deleted"u8, false);
    }

    protected static void Optional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value, bool asChange)
    {
        if (value is not null) json.WriteString(name, value);
        else if (asChange) json.WriteNull(name);
    }

    protected static void Optional(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value, bool asChange)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else if (asChange) json.WriteNull(name);
    }

    protected static void Array(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}

internal sealed class StackEntity(string id, string title, int sortOrder, long now) : Entity(id, now)
{
    public const int TitleField = 1, DescriptionField = 2, StatusField = 4, PriorityField = 8, SortField = 16, StartField = 32,
        DueField = 64, DraftField = 128, ActiveField = 256, ActiveTaskField = 512, TagsField = 1024;

    public string Title = title;
    public string? Description, ActiveTaskId;
    public string Status = "active";
    public long? Priority, StartTime, DueTime;
    public int SortOrder = sortOrder;
    public bool IsDraft, IsActive;
    public List<string> TagIds = [];

    public override void Write(Utf8JsonWriter json, int fields)
    {
        var change = fields != All;
        if (!change) json.WriteString("id"u8, Id);
        if ((fields & TitleField) != 0) json.WriteString("title"u8, Title);
        if ((fields & DescriptionField) != 0) Optional(json, "description"u8, Description, change);
        if ((fields & StatusField) != 0) json.WriteString("status"u8, Status);
        if ((fields & PriorityField) != 0) Optional(json, "priority"u8, Priority, change);
        if ((fields & SortField) != 0) json.WriteNumber("sortOrder"u8, SortOrder);
        if ((fields & StartField) != 0) Optional(json, "startTime"u8, StartTime, change);
        if ((fields & DueField) != 0) Optional(json, "dueTime"u8, DueTime, change);
        WriteTimes(json, fields);
        if ((fields & DraftField) != 0) json.WriteBoolean("isDraft"u8, IsDraft);
        if ((fields & ActiveField) != 0) json.WriteBoolean("isActive"u8, IsActive);
        if ((fields & ActiveTaskField) != 0) Optional(json, "activeTaskId"u8, ActiveTaskId, change);
        if ((fields & TagsField) != 0) Array(json, "tagIds"u8, TagIds);
    }
}

internal sealed class TaskEntity(string id, StackEntity stack, string title, int sortOrder, long now) : Entity(id, now)
{
    public const int TitleField = 1, DescriptionField = 2, StatusField = 4, PriorityField = 8, SortField = 16, StartField = 32,
        DueField = 64, LastActiveField = 128, AgentField = 256, TagsField = 512, RecurrenceField = 1024;

    public StackEntity Stack { get; } = stack;

    public string Title = title;
    public string? Description, AgentId;
    public string Status = "pending";
    public long? Priority, StartTime, DueTime, LastActiveTime, DelegatedAt;
    public int SortOrder = sortOrder;
    public int? Occurrences;
    public List<string>? Tags;

    public override void Write(Utf8JsonWriter json, int fields)
    {
        var change = fields != All;
        if (!change)
        {
            json.WriteString("id"u8, Id);
            json.WriteString("stackId"u8, Stack.Id);
        }

        if ((fields & TitleField) != 0) json.WriteString("title"u8, Title);
        if ((fields & DescriptionField) != 0) Optional(json, "description"u8, Description, change);
        if ((fields & StatusField) != 0) json.WriteString("status"u8, Status);
        if ((fields & PriorityField) != 0) Optional(json, "priority"u8, Priority, change);
        if ((fields & SortField) != 0) json.WriteNumber("sortOrder"u8, SortOrder);
        if ((fields & StartField) != 0) Optional(json, "startTime"u8, StartTime, change);
        if ((fields & DueField) != 0) Optional(json, "dueTime"u8, DueTime, change);
        if ((fields & LastActiveField) != 0) Optional(json, "lastActiveTime"u8, LastActiveTime, change);
        WriteTimes(json, fields);
        if ((fields & AgentField) != 0 && AgentId is not null)
        {
            json.WriteBoolean("delegatedToAI"u8, true);
            json.WriteString("aiAgentId"u8, AgentId);
            json.WriteNumber("aiDelegatedAt"u8, DelegatedAt!.Value);
        }

        if ((fields & TagsField) != 0 && Tags is not null) Array(json, "tags"u8, Tags);
        if ((fields & RecurrenceField) != 0 && Occurrences is { } occurrences)
        {
            json.WriteBoolean("isRecurrenceTemplate"u8, true);
            json.WriteNumber("completedOccurrences"u8, occurrences);
        }
    }
}

internal sealed class ReminderEntity(string id, string parentId, string parentType, long remindAt, long now) : Entity(id, now)
{
    public string ParentId { get; } = parentId;

    public string ParentType { get; } = parentType;

    public long RemindAt = remindAt;
    public string Status = "active";

    public override void Write(Utf8JsonWriter json, int fields)
    {
        json.WriteString("id"u8, Id);
        json.WriteString("parentId"u8, ParentId);
        json.WriteString("parentType"u8, ParentType);
        json.WriteNumber("remindAt"u8, RemindAt);
        json.WriteString("status"u8, Status);
        WriteTimes(json, fields);
    }
}

internal sealed class TagEntity(string id, string name, string? color, long now) : Entity(id, now)
{
    public const int NameField = 1, ColorField = 2;

    public string Name = name;
    public string? Color = color;

    public override void Write(Utf8JsonWriter json, int fields)
    {
        if (fields == All) json.WriteString("id"u8, Id);
        if ((fields & NameField) != 0)
        {
            json.WriteString("name"u8, Name);
            json.WriteString("normalizedName"u8, Name.ToLowerInvariant());
        }

        if ((fields & ColorField) != 0) Optional(json, "colorHex"u8, Color, fields != All);
        WriteTimes(json, fields);
    }
}

internal sealed class ArcEntity(string id, string title, int sortOrder, long now) : Entity(id, now)
{
    public const int TitleField = 1, DescriptionField = 2, StatusField = 4, SortField = 8, ColorField = 16, DueField = 32, StacksField = 64;

    public string Title = title;
    public string? Description, Color;
    public string Status = "active";
    public int SortOrder = sortOrder;
    public long? DueTime;
    public List<string> StackIds = [];

    public override void Write(Utf8JsonWriter json, int fields)
    {
        var change = fields != All;
        if (!change) json.WriteString("id"u8, Id);
        if ((fields & TitleField) != 0) json.WriteString("title"u8, Title);
        if ((fields & DescriptionField) != 0) Optional(json, "description"u8, Description, change);
        if ((fields & StatusField) != 0) json.WriteString("status"u8, Status);
        if ((fields & SortField) != 0) json.WriteNumber("sortOrder"u8, SortOrder);
        if ((fields & ColorField) != 0) Optional(json, "colorHex"u8, Color, change);
        if ((fields & DueField) != 0) Optional(json, "dueTime"u8, DueTime, change);
        WriteTimes(json, fields);
        if ((fields & StacksField) != 0) Array(json, "stackIds"u8, StackIds);
    }
}

internal sealed class AttachmentEntity(string id, string parentId, string parentType, string filename, string mimeType, int size, long now)
    : Entity(id, now)
{
    public string ParentId { get; } = parentId;

    public string ParentType { get; } = parentType;

    public override void Write(Utf8JsonWriter json, int fields)
    {
        json.WriteString("id"u8, Id);
        json.WriteString("parentId"u8, ParentId);
        json.WriteString("parentType"u8, ParentType);
        json.WriteString("filename"u8, filename);
        json.WriteString("mimeType"u8, mimeType);
        json.WriteNumber("sizeBytes"u8, size);
        WriteTimes(json, fields);
    }
}
