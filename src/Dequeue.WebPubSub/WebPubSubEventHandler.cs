namespace Dequeue.WebPubSub;

/// <summary>System events that an event handler may want.</summary>
[Flags]
public enum WebPubSubSystemEvents
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary>Before a client is let in; the handler may refuse it or change its user, groups and roles.</summary>
    Connect = 1,

    /// <summary>After a client was let in.</summary>
    Connected = 2,

    /// <summary>After a client is finally gone.</summary>
    Disconnected = 4,

    /// <summary>All three.</summary>
    All = Connect | Connected | Disconnected,
}

/// <summary>Where one hub's events are posted, as CloudEvents over HTTP.</summary>
public sealed class WebPubSubEventHandler
{
    private readonly string[] _userEvents;

    /// <summary>A handler at a URL.</summary>
    /// <param name="urlTemplate">Absolute http or https URL; <c>{hub}</c> and <c>{event}</c> may stand in its path and query.</param>
    /// <param name="userEventPattern"><c>*</c>, one event name, or names separated by commas (case-insensitive); empty for none.</param>
    /// <param name="systemEvents">The system events that are posted.</param>
    /// <exception cref="ArgumentException">The template is not an absolute http(s) URL, or has a parameter in its host.</exception>
    public WebPubSubEventHandler(
        string urlTemplate, string userEventPattern = "*", WebPubSubSystemEvents systemEvents = WebPubSubSystemEvents.All)
    {
        ArgumentNullException.ThrowIfNull(urlTemplate);
        ArgumentNullException.ThrowIfNull(userEventPattern);
        if (!Uri.TryCreate(Fill(urlTemplate, "hub", "event"), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")
            || Uri.TryCreate(Fill(urlTemplate, "other", "other"), UriKind.Absolute, out var second) && second.Authority != url.Authority)
        {
            throw new ArgumentException("The URL of an event handler is absolute, http or https, with no parameter in its host.", nameof(urlTemplate));
        }

        UrlTemplate = urlTemplate;
        UserEventPattern = userEventPattern;
        SystemEvents = systemEvents;
        _userEvents = userEventPattern.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The URL, with <c>{hub}</c> and <c>{event}</c> in place of the names.</summary>
    public string UrlTemplate { get; }

    /// <summary>The user events that are posted.</summary>
    public string UserEventPattern { get; }

    /// <summary>The system events that are posted.</summary>
    public WebPubSubSystemEvents SystemEvents { get; }

    internal bool TakesUserEvent(string name)
        => _userEvents.Any(pattern => pattern == "*" || pattern.Equals(name, StringComparison.OrdinalIgnoreCase));

    internal Uri Url(string hub, string eventName) => new(Fill(UrlTemplate, hub, eventName));

    private static string Fill(string template, string hub, string eventName) => template
        .Replace("{hub}", Uri.EscapeDataString(hub), StringComparison.OrdinalIgnoreCase)
        .Replace("{event}", Uri.EscapeDataString(eventName), StringComparison.OrdinalIgnoreCase);
}
