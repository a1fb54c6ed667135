namespace Dequeue.Sync.Log.Entities;

/// <summary>An event that concerns an entity.</summary>
/// <param name="Page">The commit tick of the last event of its page: the page's row key.</param>
/// <param name="Tick">Its own commit tick.</param>
/// <param name="Task">The task that it is about, when it is of type <c>task.*</c> and the entity is another: a stack's task.</param>
internal readonly record struct EntityEvent(long Page, long Tick, EntityKey? Task);

/// <summary>The events of pages by the entities that they concern.</summary>
internal sealed class PageEntities
{
    private readonly Dictionary<EntityKey, List<EntityEvent>> _events = [];
    private readonly EventEntities _reader = new();

    /// <summary>The entities.</summary>
    public IEnumerable<EntityKey> Keys => _events.Keys;

    /// <summary>The events that concern an entity, in commit order.</summary>
    public IReadOnlyList<EntityEvent> Of(EntityKey key) => _events.GetValueOrDefault(key, []);

    /// <summary>Adds the events of the next page.</summary>
    public void Add(EventPage page)
    {
        for (var i = 0; i < page.Count; i++)
        {
            _reader.Read(page.EventAt(i).Span);
            foreach (var key in _reader.Keys)
            {
                if (!_events.TryGetValue(key, out var events)) _events.Add(key, events = []);
                events.Add(new EntityEvent(page.Last.Ticks, page.CheckpointAt(i).Ticks, _reader.Task == key ? null : _reader.Task));
            }
        }
    }

    /// <summary>The index rows of the one page that was added, ordered by key: the same whenever they are made.</summary>
    public IEnumerable<Storage.TableRow> Rows() => _events.Select(both => EntityRow.Create(both.Key, both.Value)).OrderBy(row => row.Key, StringComparer.Ordinal);
}
