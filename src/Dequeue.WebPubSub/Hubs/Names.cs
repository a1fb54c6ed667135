using System.Text.RegularExpressions;

namespace Dequeue.WebPubSub.Hubs;

/// <summary>What hubs, groups, events and users may be called.</summary>
internal static partial class Names
{
    /// <summary>Longest group name in characters, from the service's API description.</summary>
    public const int MaxGroupLength = 1024;

    /// <summary>Hub names are case-insensitive: the form under which a hub is kept.</summary>
    public static bool TryHub(string? text, out string hub)
    {
        hub = text?.ToLowerInvariant() ?? "";
        return text is not null && HubPattern().IsMatch(text);
    }

    /// <summary>True for a group name: 1 to 1,024 characters, not white space alone.</summary>
    public static bool IsGroup(string? text) => text is { Length: <= MaxGroupLength } && !string.IsNullOrWhiteSpace(text);

    /// <summary>True for the name of a user event.</summary>
    public static bool IsEvent(string? text) => text is not null && EventPattern().IsMatch(text);

    /// <summary>True for a user id: it travels in a header to event handlers, so it has no control characters.</summary>
    public static bool IsUser(string? text) => text is { Length: >= 1 and <= 1024 } && !text.Any(char.IsControl);

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex HubPattern();

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_.-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex EventPattern();
}
