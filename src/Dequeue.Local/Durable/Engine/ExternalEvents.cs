namespace Dequeue.Local.Durable.Engine;

/// <summary>Events from outside, and the code that waits for them. The last to wait is served first, as in the official client.</summary>
internal sealed class ExternalEvents
{
    private readonly Dictionary<string, Stack<IPending>> _waits = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<HistoryEvent> _unclaimed = [];

    public IReadOnlyList<HistoryEvent> Unclaimed => _unclaimed;

    public bool AnyoneWaits => _waits.Values.Any(stack => stack.Any(wait => !wait.IsOver));

    public void Wait(string name, IPending pending)
    {
        var index = _unclaimed.FindIndex(raised => string.Equals(raised.Name, name, StringComparison.OrdinalIgnoreCase));
        if (index >= 0)
        {
            var raised = _unclaimed[index];
            _unclaimed.RemoveAt(index);
            pending.Complete(raised.Payload);
            return;
        }

        if (!_waits.TryGetValue(name, out var stack))
        {
            _waits.Add(name, stack = new Stack<IPending>());
        }

        stack.Push(pending);
    }

    public void Raise(HistoryEvent raised, bool deliver)
    {
        if (deliver && _waits.TryGetValue(raised.Name!, out var stack))
        {
            while (stack.TryPop(out var pending))
            {
                if (!pending.IsOver)
                {
                    pending.Complete(raised.Payload);
                    return;
                }
            }
        }

        _unclaimed.Add(raised);
    }
}
