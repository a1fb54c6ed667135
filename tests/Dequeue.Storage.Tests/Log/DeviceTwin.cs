using System.Globalization;
using System.Text.Json;

namespace Dequeue.Storage.Tests.Log;

/// <summary>
/// Two apps on one device, fed the same events: one lets the last write win by <c>ts</c>, the other by arrival. Both read events as any JSON
/// library does.
/// </summary>
internal sealed class DeviceTwin
{
    private readonly SortedDictionary<string, (DateTimeOffset Time, string Event)> _byTime = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, List<string>> _byArrival = new(StringComparer.Ordinal);
    private readonly List<string> _others = [];

    /// <summary>Applies an event.</summary>
    public void Apply(string json)
    {
        var e = JsonDocument.Parse(json).RootElement;
        var (id, payload) = (e.GetProperty("id").GetString()!, e.GetProperty("payload"));
        if (EntityOf(e.GetProperty("type").GetString()!, payload) is not { } entity)
        {
            _others.Add(id);
            return;
        }

        var state = StateOf(payload);
        var time = DateTimeOffset.Parse(e.GetProperty("ts").GetString()!, CultureInfo.InvariantCulture);
        if (!_byTime.TryGetValue(entity, out var held) || time >= held.Time) _byTime[entity] = (time, $"{id} {state}");

        // What brings no state changes what is there, so that everything since the last state counts.
        if (!_byArrival.TryGetValue(entity, out var since)) _byArrival.Add(entity, since = []);
        if (state is not null) since.Clear();
        since.Add($"{id} {state}");
    }

    /// <summary>Fails unless another device has the same state.</summary>
    public void AssertSame(DeviceTwin other)
    {
        Assert.Equal(other._byTime, _byTime);
        Assert.Equal(other._byArrival.Select(both => $"{both.Key}: {string.Join(", ", both.Value)}"), _byArrival.Select(both => $"{both.Key}: {string.Join(", ", both.Value)}"));
        Assert.Equal(other._others, _others);
    }

    private static string? EntityOf(string type, JsonElement payload)
    {
        var dot = type.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && payload.TryGetProperty(type[..dot] + "Id", out var id) && id.ValueKind == JsonValueKind.String ? type[..dot] + " " + id.GetRawText() : null;
    }

    private static string? StateOf(JsonElement payload)
        => payload.TryGetProperty("fullState", out var full) && full.ValueKind == JsonValueKind.Object ? full.GetRawText()
            : payload.TryGetProperty("state", out var state) && state.ValueKind == JsonValueKind.Object ? state.GetRawText()
            : null;
}
