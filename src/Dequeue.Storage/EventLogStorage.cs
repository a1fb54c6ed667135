using Azure.Core;
using Azure.Identity;
using Dequeue.Storage.AzureTables;
using Dequeue.Storage.Sqlite;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage;

/// <summary>Opens the event log's storage as the setting <c>EventLog__Storage</c> says.</summary>
public static class EventLogStorage
{
    /// <summary>The setting's name, for messages.</summary>
    public const string SettingName = "EventLog__Storage";

    /// <summary>The table's name in a storage account.</summary>
    public const string DefaultTable = "eventlog";

    private const string SqlitePrefix = "sqlite:";

    /// <summary>The account and key that every Azurite has. They are public and open nothing else.</summary>
    internal const string Development = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
        + "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;";

    /// <summary>
    /// Opens the storage: <c>sqlite:PATH</c>, a connection string of Azure Tables, <c>UseDevelopmentStorage=true</c> for Azurite,
    /// or the https URL of a table endpoint (managed identity); an http URL is taken on loopback alone, for Azurite. Nothing is
    /// created or sent before the first use. Dispose the result if it is <see cref="IDisposable"/>.
    /// </summary>
    /// <param name="setting">The setting's value.</param>
    /// <param name="credential">For an endpoint URL; null for <see cref="DefaultAzureCredential"/>.</param>
    /// <param name="table">The table's name in the storage account.</param>
    /// <exception cref="FormatException">The value is none of these; the message is one sentence that names the setting and does
    /// not repeat its value.</exception>
    public static IPartitionedTable Open(string? setting, TokenCredential? credential = null, string table = DefaultTable)
    {
        if (string.IsNullOrWhiteSpace(setting)) throw Wrong("is missing");
        if (setting.StartsWith(SqlitePrefix, StringComparison.OrdinalIgnoreCase)) return OpenSqlite(setting[SqlitePrefix.Length..]);
        if (Uri.TryCreate(setting, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return OpenEndpoint(url!, credential, table);
        if (!setting.Contains('=', StringComparison.Ordinal)) throw Wrong("is not understood");
        try
        {
            return AzureTable.FromConnectionString(setting, table);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw Wrong("is no connection string that Azure Tables understands");
        }
    }

    private static SqliteTable OpenSqlite(string path)
        => string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal) || Directory.Exists(path)
            ? throw Wrong("names no file after sqlite:")
            : new SqliteTable(path);

    private static AzureTable OpenEndpoint(Uri endpoint, TokenCredential? credential, string table)
    {
        if (!string.IsNullOrEmpty(endpoint.Query)) throw Wrong("is a URL with a query; give the table endpoint alone, access is by managed identity");
        if (endpoint.Scheme == Uri.UriSchemeHttps) return AzureTable.FromEndpoint(endpoint, table, credential ?? new DefaultAzureCredential());
        if (!endpoint.IsLoopback) throw Wrong("is an http URL, over which no token may be sent");

        // Azurite on some port of this machine.
        return AzureTable.FromConnectionString($"{Development}TableEndpoint={endpoint};", table);
    }

    private static FormatException Wrong(string how)
        => new($"{SettingName} {how}: it is sqlite:PATH, a connection string of Azure Tables, UseDevelopmentStorage=true, "
            + "or the https URL of a table endpoint.");
}
