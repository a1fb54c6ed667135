using System.Text.Json;

namespace Dequeue.SampleEvents;

/// <summary>One user over time: the live entities, the clock, and the events not yet handed out.</summary>
internal sealed class UserLife : IDisposable
{
    // What a person has open at once. Beyond it the oldest are finished first, which also bounds memory.
    private const int MaxStacks = 24, MaxTasks = 160, MaxReminders = 40, MaxTags = 24, MaxArcs = 8, MaxAttachments = 30;
    private const long Minute = 60_000, Hour = 60 * Minute, Day = 24 * Hour;

    private static readonly string[] Colors = ["#FF6B6B", "#4ECDC4", "#FFD93D", "#6C5CE7", "#1A936F"];
    private static readonly (string Id, string Name)[] Agents = [("agent_scribe", "Scribe"), ("agent_scout", "Scout")];
    private static readonly string[] Results = ["Drafted three versions.", "Booked, confirmation attached.", "Found two options, both under budget."];
    private static readonly (string Name, string Mime)[] Files =
        [("scan.pdf", "application/pdf"), ("IMG_2041.HEIC", "image/heic"), ("notes.md", "text/markdown"), ("budget.xlsx", "application/vnd.ms-excel")];
    private static readonly (string Name, string Model, string Os, string Version)[] Devices =
        [("iPhone", "iPhone17,1", "iOS", "26.1"), ("MacBook Pro", "Mac16,5", "macOS", "26.1"), ("iPad", "iPad16,3", "iPadOS", "26.0"), ("Old iPhone", "iPhone14,2", "iOS", "18.7")];

    private readonly SeededRandom _random;
    private readonly EventWriter _writer;
    private readonly string[] _devices;
    private readonly int? _lasting;
    private readonly List<StackEntity> _stacks = [];
    private readonly List<TaskEntity> _tasks = [];
    private readonly List<ReminderEntity> _reminders = [];
    private readonly List<TagEntity> _tags = [];
    private readonly List<ArcEntity> _arcs = [];
    private readonly List<AttachmentEntity> _attachments = [];
    private StackEntity? _activeStack;
    private TaskEntity? _activeTask;
    private long _now;
    private int _device, _nextSort;
    private string? _agent;

    public UserLife(EventGeneratorOptions options)
    {
        _random = new SeededRandom((ulong)options.Seed);
        _writer = new EventWriter(options, _random);
        _now = options.Start.ToUnixTimeMilliseconds();
        _lasting = options.LastingTasks;
        _devices = new string[2 + _random.Below(Devices.Length - 1)];
        for (var i = 0; i < _devices.Length; i++) _devices[i] = _random.Uuid();
    }

    /// <summary>Events made and not yet taken.</summary>
    public Queue<byte[]> Events { get; } = new();

    /// <summary>The user does one thing, which makes at least one event.</summary>
    public void Step()
    {
        _now += 400 + _random.Below((int)(2 * Minute));
        if (_random.Chance(4))
        {
            // A new session, perhaps on another device.
            _now += Minute * (5 + _random.Below(140));
            _device = _random.Chance(70) ? 0 : _random.Below(_devices.Length);
        }

        var kind = _random.Below(1000);
        if (_stacks.Count == 0) CreateStack();
        else if (_lasting is { } lasting) Change(lasting);
        else if (kind < 605) Task();
        else if (kind < 715) Stack();
        else if (kind < 832) Reminder();
        else if (kind < 890) Tag();
        else if (kind < 942) Arc();
        else Rest();
    }

    public void Dispose() => _writer.Dispose();

    private void Change(int lasting)
    {
        if (_tasks.Count < lasting) CreateTask();
        else UpdateTask(_random.Pick(_tasks));
    }

    private void Task()
    {
        var kind = _random.Below(100);
        if (_tasks.Count < 3 || kind < 31 && _tasks.Count < MaxTasks) CreateTask();
        else if (kind < 58) UpdateTask(_random.Pick(_tasks));
        else if (kind < 65) ActivateTask();
        else if (kind < 84) FinishTask(_activeTask is not null && _random.Chance(30) ? _activeTask : _tasks[_random.Below(_tasks.Count)], "completed");
        else if (kind < 88) FinishTask(_random.Pick(_tasks), "closed");
        else if (kind < 91) DeleteTask(_random.Pick(_tasks));
        else if (kind < 95) ReorderTasks();
        else Delegate(_random.Pick(_tasks));
    }

    private void CreateTask()
    {
        var stack = _activeStack is not null && _random.Chance(50) ? _activeStack : _random.Pick(_stacks);
        var task = new TaskEntity(_random.Cuid(_now), stack, Vocabulary.TaskTitle(_random), _random.Below(20), _now);
        if (_random.Chance(25)) task.Description = Vocabulary.Description(_random);
        if (_random.Chance(30)) task.Priority = _random.Below(4);
        if (_random.Chance(20)) task.DueTime = _now + Day * (1 + _random.Below(20));
        if (_random.Chance(5)) task.Occurrences = 0;
        if (_tags.Count > 0 && _random.Chance(15)) task.Tags = [_random.Pick(_tags).Name];
        _tasks.Add(task);
        var json = BeginTask("task.created", task);
        WriteState(json, "state"u8, task);
        End();
    }

    private void UpdateTask(TaskEntity task)
    {
        var fields = Entity.UpdatedField;
        do
        {
            switch (_random.Below(6))
            {
                case 0: task.Title = Vocabulary.TaskTitle(_random); fields |= TaskEntity.TitleField; break;
                case 1: task.Description = _random.Chance(90) ? Vocabulary.Description(_random) : null; fields |= TaskEntity.DescriptionField; break;
                case 2: task.Priority = _random.Below(4); fields |= TaskEntity.PriorityField; break;
                case 3: task.DueTime = _random.Chance(85) ? _now + Day * (1 + _random.Below(20)) : null; fields |= TaskEntity.DueField; break;
                case 4: task.Status = task.Status == "blocked" ? "pending" : "blocked"; fields |= TaskEntity.StatusField; break;
                default: task.StartTime = _now + Hour * _random.Below(72); fields |= TaskEntity.StartField; break;
            }
        }
        while (_random.Chance(20));

        task.UpdatedAt = _now;
        Update(BeginTask("task.updated", task), task, fields);
    }

    private void ActivateTask()
    {
        if (_activeStack is null) ActivateStack(_random.Pick(_stacks));
        var candidates = _tasks.Where(task => task.Stack == _activeStack && task != _activeTask).ToList();
        if (candidates.Count == 0)
        {
            CreateTask();
            return;
        }

        _activeTask = _random.Pick(candidates);
        _activeTask.LastActiveTime = _now;
        Status("task.activated", _activeTask, "pending");
        SetActiveTask(_activeTask.Stack, _activeTask.Id);
    }

    private void FinishTask(TaskEntity task, string status)
    {
        Status("task." + status, task, status);
        Forget(task);
    }

    private void DeleteTask(TaskEntity task)
    {
        BeginTask("task.deleted", task);
        End();
        Forget(task);
    }

    private void Forget(TaskEntity task)
    {
        _tasks.Remove(task);
        if (task != _activeTask) return;
        _activeTask = null;
        SetActiveTask(task.Stack, null);
    }

    private void ReorderTasks()
    {
        var stack = _random.Pick(_tasks).Stack;
        var moved = _tasks.Where(task => task.Stack == stack).Take(6).ToList();
        for (var i = 0; i < moved.Count; i++) moved[i].SortOrder = (i + 1) % moved.Count;
        Reordered("task.reordered", "taskIds"u8, moved.Select(task => (task.Id, task.SortOrder)));
    }

    private void Delegate(TaskEntity task)
    {
        var (id, name) = _random.Pick(Agents);
        var done = task.AgentId is not null;
        if (done) (id, name) = Agents.First(agent => agent.Id == task.AgentId);
        else (task.AgentId, task.DelegatedAt) = (id, _now);
        task.UpdatedAt = _now;
        _agent = done ? id : null;
        var json = BeginTask(done ? "task.aiCompleted" : "task.delegatedToAI", task);
        json.WriteString("aiAgentId"u8, id);
        json.WriteString("aiAgentName"u8, name);
        if (done)
        {
            task.Status = "completed";
            json.WriteString("resultSummary"u8, _random.Pick(Results));
        }

        WriteState(json, "fullState"u8, task);
        End();
        if (done) Forget(task);
    }

    private void Stack()
    {
        var kind = _random.Below(100);
        var stack = _random.Pick(_stacks);
        if (_stacks.Count < 4 || kind < 12 && _stacks.Count < MaxStacks) CreateStack();
        else if (kind < 55) UpdateStack(stack);
        else if (kind < 75) ActivateStack(stack);
        else if (kind < 85) EndStack(stack, kind < 81 ? "completed" : "closed");
        else if (kind < 90) DeleteStack(stack, kind < 88 ? "stack.deleted" : "stack.discarded");
        else ReorderStacks();
    }

    private void CreateStack()
    {
        var stack = new StackEntity(_random.Cuid(_now), Vocabulary.StackTitle(_random), _nextSort++ % 50, _now) { IsDraft = _random.Chance(10) };
        if (_random.Chance(35)) stack.Description = Vocabulary.Description(_random);
        if (_random.Chance(30)) stack.Priority = _random.Below(4);
        if (_tags.Count > 0 && _random.Chance(40)) stack.TagIds.Add(_random.Pick(_tags).Id);
        _stacks.Add(stack);
        WriteState(BeginStack("stack.created", stack), "state"u8, stack);
        End();
    }

    private void UpdateStack(StackEntity stack)
    {
        var fields = Entity.UpdatedField;
        switch (_random.Below(6))
        {
            case 0: stack.Title = Vocabulary.StackTitle(_random); fields |= StackEntity.TitleField; break;
            case 1: stack.Description = Vocabulary.Description(_random); fields |= StackEntity.DescriptionField; break;
            case 2: stack.Priority = _random.Below(4); fields |= StackEntity.PriorityField; break;
            case 3: stack.DueTime = _random.Chance(85) ? _now + Day * _random.Below(60) : null; fields |= StackEntity.DueField; break;
            case 4: stack.StartTime = _now + Day * _random.Below(14); fields |= StackEntity.StartField; break;
            default:
                stack.TagIds = _tags.Count > 0 ? [_random.Pick(_tags).Id] : [];
                stack.IsDraft = false;
                fields |= StackEntity.TagsField | StackEntity.DraftField;
                break;
        }

        stack.UpdatedAt = _now;
        Update(BeginStack("stack.updated", stack), stack, fields);
    }

    private void ActivateStack(StackEntity stack)
    {
        if (stack == _activeStack) return;
        Deactivate();
        _activeStack = stack;
        stack.IsActive = true;
        Status("stack.activated", stack, stack.Status);
    }

    private void Deactivate()
    {
        if (_activeStack is not { } stack) return;
        if (_activeTask is not null)
        {
            _activeTask = null;
            SetActiveTask(stack, null);
        }

        _activeStack = null;
        stack.IsActive = false;
        Status("stack.deactivated", stack, stack.Status);
    }

    private void EndStack(StackEntity stack, string status)
    {
        if (stack == _activeStack) Deactivate();
        Status("stack." + status, stack, status);
        Forget(stack);
    }

    private void DeleteStack(StackEntity stack, string type)
    {
        if (stack == _activeStack) Deactivate();
        BeginStack(type, stack);
        End();
        Forget(stack);
    }

    private void Forget(StackEntity stack)
    {
        _stacks.Remove(stack);
        _tasks.RemoveAll(task => task.Stack == stack);
    }

    private void SetActiveTask(StackEntity stack, string? taskId)
    {
        stack.ActiveTaskId = taskId;
        stack.UpdatedAt = _now;
        Update(BeginStack("stack.updated", stack), stack, StackEntity.ActiveTaskField | Entity.UpdatedField);
    }

    private void ReorderStacks()
    {
        var moved = _stacks.Take(8).ToList();
        for (var i = 0; i < moved.Count; i++) moved[i].SortOrder = (i + 1) % moved.Count;
        Reordered("stack.reordered", "stackIds"u8, moved.Select(stack => (stack.Id, stack.SortOrder)));
    }

    private void Reminder()
    {
        var kind = _random.Below(100);
        if (_reminders.Count < 3 || kind < 35 && _reminders.Count < MaxReminders)
        {
            var (parent, type) = Parent();
            var reminder = new ReminderEntity(_random.Cuid(_now), parent, type, _now + Hour * (1 + _random.Below(200)), _now);
            _reminders.Add(reminder);
            Reminder("reminder.created", reminder, "state"u8);
            return;
        }

        var chosen = _random.Pick(_reminders);
        chosen.UpdatedAt = _now;
        if (kind < 60)
        {
            chosen.RemindAt = _now + Hour * (1 + _random.Below(200));
            Reminder("reminder.updated", chosen, "fullState"u8);
        }
        else if (kind < 80)
        {
            var from = chosen.RemindAt;
            chosen.RemindAt = _now + Hour;
            chosen.Status = "snoozed";
            Reminder("reminder.snoozed", chosen, "fullState"u8, from);
        }
        else
        {
            _reminders.Remove(chosen);
            Reminder("reminder.deleted", chosen, "state"u8);
        }
    }

    private void Reminder(string type, ReminderEntity reminder, ReadOnlySpan<byte> stateName, long? snoozedFrom = null)
    {
        var json = Begin(type);
        json.WriteString("reminderId"u8, reminder.Id);
        json.WriteString("parentId"u8, reminder.ParentId);
        json.WriteString("parentType"u8, reminder.ParentType);
        if (snoozedFrom is { } from)
        {
            json.WriteNumber("snoozedFrom"u8, from);
            json.WriteNumber("snoozedUntil"u8, reminder.RemindAt);
        }

        WriteState(json, stateName, reminder);
        End();
    }

    private void Tag()
    {
        var kind = _random.Below(100);
        if (_tags.Count < 3 || kind < 40 && _tags.Count < MaxTags)
        {
            var tag = new TagEntity(_random.Cuid(_now), Vocabulary.TagName(_random), _random.Chance(70) ? _random.Pick(Colors) : null, _now);
            _tags.Add(tag);
            var json = Begin("tag.created");
            json.WriteString("tagId"u8, tag.Id);
            WriteState(json, "state"u8, tag);
            End();
            return;
        }

        var chosen = _random.Pick(_tags);
        if (kind < 75)
        {
            var rename = _random.Chance(50);
            if (rename) chosen.Name = Vocabulary.TagName(_random);
            else chosen.Color = _random.Pick(Colors);
            chosen.UpdatedAt = _now;
            var json = Begin("tag.updated");
            json.WriteString("tagId"u8, chosen.Id);
            Update(json, chosen, (rename ? TagEntity.NameField : TagEntity.ColorField) | Entity.UpdatedField);
        }
        else
        {
            _tags.Remove(chosen);
            var json = Begin("tag.deleted");
            json.WriteString("tagId"u8, chosen.Id);
            WriteState(json, "state"u8, chosen);
            End();
        }
    }

    private void Arc()
    {
        var kind = _random.Below(100);
        if (_arcs.Count < 2 || kind < 12 && _arcs.Count < MaxArcs)
        {
            var arc = new ArcEntity(_random.Cuid(_now), Vocabulary.ArcTitle(_random), _arcs.Count, _now) { Color = _random.Pick(Colors) };
            _arcs.Add(arc);
            WriteState(BeginArc("arc.created", arc), "state"u8, arc);
            End();
            return;
        }

        var chosen = _random.Pick(_arcs);
        if (kind < 40) UpdateArc(chosen);
        else if (kind < 70) Assign(chosen, _random.Pick(_stacks));
        else if (kind < 82) Status(chosen.Status == "paused" ? "arc.activated" : "arc.paused", chosen, chosen.Status == "paused" ? "active" : "paused");
        else if (kind < 90)
        {
            for (var i = 0; i < _arcs.Count; i++) _arcs[i].SortOrder = (i + 1) % _arcs.Count;
            Reordered("arc.reordered", "arcIds"u8, _arcs.Select(arc => (arc.Id, arc.SortOrder)));
        }
        else if (kind < 96)
        {
            Status("arc.completed", chosen, "completed");
            _arcs.Remove(chosen);
        }
        else
        {
            BeginArc("arc.deleted", chosen);
            End();
            _arcs.Remove(chosen);
        }
    }

    private void UpdateArc(ArcEntity arc)
    {
        var fields = Entity.UpdatedField;
        switch (_random.Below(3))
        {
            case 0: arc.Title = Vocabulary.ArcTitle(_random); fields |= ArcEntity.TitleField; break;
            case 1: arc.Description = Vocabulary.Description(_random); fields |= ArcEntity.DescriptionField; break;
            default: arc.DueTime = _now + Day * (30 + _random.Below(90)); fields |= ArcEntity.DueField; break;
        }

        arc.UpdatedAt = _now;
        Update(BeginArc("arc.updated", arc), arc, fields);
    }

    private void Assign(ArcEntity arc, StackEntity stack)
    {
        var removed = arc.StackIds.Remove(stack.Id);
        if (!removed)
        {
            if (arc.StackIds.Count == 5) arc.StackIds.RemoveAt(0);
            arc.StackIds.Add(stack.Id);
        }

        arc.UpdatedAt = _now;
        var json = BeginStack(removed ? "stack.removedFromArc" : "stack.assignedToArc", stack);
        json.WriteString("arcId"u8, arc.Id);
        WriteState(json, "fullState"u8, arc);
        End();
    }

    private void Rest()
    {
        var kind = _random.Below(100);
        if (kind < 25)
        {
            DiscoverDevice();
        }
        else if (_attachments.Count < 3 || kind < 70 && _attachments.Count < MaxAttachments)
        {
            var (parent, type) = Parent();
            var (name, mime) = _random.Pick(Files);
            var attachment = new AttachmentEntity(_random.Cuid(_now), parent, type, name, mime, 2000 + _random.Below(4_000_000), _now);
            _attachments.Add(attachment);
            Attachment("attachment.added", attachment);
        }
        else
        {
            var attachment = _random.Pick(_attachments);
            _attachments.Remove(attachment);
            Attachment("attachment.removed", attachment);
        }
    }

    private void Attachment(string type, AttachmentEntity attachment)
    {
        var json = Begin(type);
        json.WriteString("attachmentId"u8, attachment.Id);
        json.WriteString("parentId"u8, attachment.ParentId);
        json.WriteString("parentType"u8, attachment.ParentType);
        WriteState(json, "state"u8, attachment);
        End();
    }

    private void DiscoverDevice()
    {
        var index = _random.Below(_devices.Length);
        var (name, model, os, version) = Devices[index];
        var json = Begin("device.discovered");
        json.WriteString("deviceId"u8, _devices[index]);
        json.WriteStartObject("state"u8);
        json.WriteString("id"u8, _devices[index]);
        json.WriteString("deviceId"u8, _devices[index]);
        json.WriteString("name"u8, name);
        json.WriteString("model"u8, model);
        json.WriteString("osName"u8, os);
        json.WriteString("osVersion"u8, version);
        json.WriteBoolean("isDevice"u8, true);
        json.WriteBoolean("isCurrentDevice"u8, index == _device);
        json.WriteNumber("lastSeenAt"u8, _now);
        json.WriteNumber("firstSeenAt"u8, _now - Day * _random.Below(400));
        json.WriteEndObject();
        End();
    }

    private (string Id, string Type) Parent()
        => _tasks.Count > 0 && _random.Chance(70) ? (_random.Pick(_tasks).Id, "task")
            : _arcs.Count > 0 && _random.Chance(20) ? (_random.Pick(_arcs).Id, "arc")
            : (_random.Pick(_stacks).Id, "stack");

    private Utf8JsonWriter Begin(string type)
    {
        _now += 1 + _random.Below(40);
        if (_agent is null && _random.Chance(4)) _agent = _random.Pick(Agents).Id;
        return _writer.Begin(_devices[_device], _now, type);
    }

    private Utf8JsonWriter BeginTask(string type, TaskEntity task)
    {
        var json = Begin(type);
        json.WriteString("taskId"u8, task.Id);
        json.WriteString("stackId"u8, task.Stack.Id);
        return json;
    }

    private Utf8JsonWriter BeginStack(string type, StackEntity stack)
    {
        var json = Begin(type);
        json.WriteString("stackId"u8, stack.Id);
        return json;
    }

    private Utf8JsonWriter BeginArc(string type, ArcEntity arc)
    {
        var json = Begin(type);
        json.WriteString("arcId"u8, arc.Id);
        return json;
    }

    private void Status(string type, Entity entity, string status)
    {
        entity.UpdatedAt = _now;
        Utf8JsonWriter json;
        switch (entity)
        {
            case TaskEntity task: task.Status = status; json = BeginTask(type, task); break;
            case StackEntity stack: stack.Status = status; json = BeginStack(type, stack); break;
            case ArcEntity arc: arc.Status = status; json = BeginArc(type, arc); break;
            default: throw new ArgumentException($"A {entity.GetType().Name} has no status events.", nameof(entity));
        }

        json.WriteString("status"u8, status);
        WriteState(json, "fullState"u8, entity);
        End();
    }

    private void Update(Utf8JsonWriter json, Entity entity, int fields)
    {
        json.WriteStartObject("changes"u8);
        entity.Write(json, fields);
        json.WriteEndObject();
        WriteState(json, "fullState"u8, entity);
        End();
    }

    private void Reordered(string type, ReadOnlySpan<byte> idsName, IEnumerable<(string Id, int SortOrder)> moved)
    {
        var list = moved.ToList();
        var json = Begin(type);
        json.WriteStartArray(idsName);
        foreach (var (id, _) in list) json.WriteStringValue(id);
        json.WriteEndArray();
        json.WriteStartArray("sortOrders"u8);
        foreach (var (_, order) in list) json.WriteNumberValue(order);
        json.WriteEndArray();
        End();
    }

    private void End()
    {
        Events.Enqueue(_writer.End(_agent, namesActor: _device == 0));
        _agent = null;
    }

    private static void WriteState(Utf8JsonWriter json, ReadOnlySpan<byte> name, Entity entity)
    {
        json.WriteStartObject(name);
        entity.Write(json, Entity.All);
        json.WriteEndObject();
    }
}
