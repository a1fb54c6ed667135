using System.Security.Cryptography;

namespace Dequeue.Cli.Serving;

/// <summary>
/// The folder that a local server keeps its state in: <c>events.db</c> (the event log), <c>durable.db</c> (running streams),
/// <c>dev-signing-key</c>, <c>web-pubsub-key</c> and <c>operator-token</c> (made at first use), <c>web-pubsub-endpoint</c> and <c>operator-endpoint</c>
/// (while it runs). Its owner alone may read it: a folder has the mode 0700, a
/// file 0600.
/// </summary>
public sealed class DataFolder
{
    private const int KeyBytes = 32;
    private const string EventsFile = "events.db";
    private const string EndpointFile = "web-pubsub-endpoint";
    private const string OperatorFile = "operator-endpoint";
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnersFile | UnixFileMode.UserExecute;

    private DataFolder(string path) => Path = path;

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <summary>The event log's SQLite file.</summary>
    public string Events => In(EventsFile);

    /// <summary>The durable engine's SQLite file.</summary>
    public string Durable => In("durable.db");

    /// <summary>Where the Web PubSub of the running server answers: for commands that close connections; null when none runs.</summary>
    public string? WebPubSubEndpoint
    {
        get => Read(EndpointFile);
        set => Write(EndpointFile, value);
    }

    /// <summary>Where the running server answers its operator; null when none runs.</summary>
    public string? OperatorEndpoint
    {
        get => Read(OperatorFile);
        set => Write(OperatorFile, value);
    }

    /// <summary>Opens a folder, and makes it if need be.</summary>
    /// <param name="path">Null for the user's own: <c>dequeue</c> in the local application data folder.</param>
    /// <exception cref="IOException">It cannot be made; the message is one sentence that names the option.</exception>
    public static DataFolder Open(string? path)
    {
        path ??= Usual(Environment.SpecialFolderOption.Create);
        try
        {
            return new DataFolder((OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, OwnersFolder)).FullName);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IOException($"The data folder '{path}' cannot be made (--data): {failure.Message}", failure);
        }
    }

    /// <summary>The event log's SQLite file in a folder that need not exist, and is not made.</summary>
    /// <param name="path">Null for the user's own.</param>
    public static string EventsIn(string? path) => System.IO.Path.Combine(path ?? Usual(Environment.SpecialFolderOption.DoNotVerify), EventsFile);

    private static string Usual(Environment.SpecialFolderOption option)
        => System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, option), "dequeue");

    /// <summary>
    /// Makes what is kept here the owner's alone: before a server writes it, and again what it has made at its start; files of an
    /// earlier version too. A folder that holds other things keeps its mode; what the server puts there is closed all the same.
    /// </summary>
    public void Close()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var database in new[] { Events, Durable })
        {
            // Empty is what SQLite makes of a new one. What it puts beside it, it gives the same mode.
            if (!File.Exists(database)) File.Open(database, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = OwnersFile }).Dispose();
        }

        foreach (var file in Directory.EnumerateFiles(Path).Where(file => IsOurs(System.IO.Path.GetFileName(file)))) Protect(file);
        if (Directory.EnumerateFileSystemEntries(Path).All(entry => IsOurs(System.IO.Path.GetFileName(entry)))) File.SetUnixFileMode(Path, OwnersFolder);
    }

    /// <summary>The HS256 key of development tokens.</summary>
    public string DevSigningKey() => Key("dev-signing-key");

    /// <summary>The access key of the Web PubSub in this process. Nobody else has it: whoever has it may connect as any user.</summary>
    public string WebPubSubKey() => Key("web-pubsub-key");

    /// <summary>The token of who looks after the server: it shows status and metrics, and opens no log.</summary>
    public string OperatorToken() => Key("operator-token");

    private string? Read(string name) => File.Exists(In(name)) ? File.ReadAllText(In(name)).Trim() : null;

    private void Write(string name, string? value)
    {
        if (value is null) File.Delete(In(name));
        else File.WriteAllText(In(name), value);
    }

    private static void Protect(string file)
    {
        if (OperatingSystem.IsWindows()) return;
        try
        {
            File.SetUnixFileMode(file, OwnersFile);
        }
        catch (FileNotFoundException)
        {
            // SQLite takes away what it needs no longer.
        }
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);

    private static bool IsOurs(string name)
        => name is "dev-signing-key" or "web-pubsub-key" or "operator-token" or EndpointFile or OperatorFile or "timers" || name.StartsWith(".key-", StringComparison.Ordinal)
            || name.StartsWith("events.db", StringComparison.Ordinal) || name.StartsWith("durable.db", StringComparison.Ordinal);

    private string Key(string name)
    {
        var file = In(name);
        try
        {
            // Created whole or not at all: a second process that starts at the same time reads the first one's key.
            var own = In($".key-{Environment.ProcessId}");
            if (!File.Exists(file))
            {
                var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
                if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnersFile;
                using (var writer = new StreamWriter(own, options)) writer.Write(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes)));
                File.Move(own, file, overwrite: false);
            }
        }
        catch (IOException) when (File.Exists(file))
        {
        }

        return File.ReadAllText(file).Trim();
    }
}
