using System.Security.Cryptography;

namespace Dequeue.Cli.Serving;

/// <summary>
/// The folder that a local server keeps its state in: <c>events.db</c> (the event log), <c>durable.db</c> (running streams) and
/// <c>dev-signing-key</c> (made at first use, readable by its owner alone).
/// </summary>
public sealed class DataFolder
{
    private const int KeyBytes = 32;

    private DataFolder(string path) => Path = path;

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <summary>The event log's SQLite file.</summary>
    public string Events => System.IO.Path.Combine(Path, "events.db");

    /// <summary>The durable engine's SQLite file.</summary>
    public string Durable => System.IO.Path.Combine(Path, "durable.db");

    /// <summary>Opens a folder, and makes it if need be.</summary>
    /// <param name="path">Null for the user's own: <c>dequeue</c> in the local application data folder.</param>
    public static DataFolder Open(string? path)
    {
        path ??= System.IO.Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "dequeue");
        return new DataFolder(Directory.CreateDirectory(path).FullName);
    }

    /// <summary>The HS256 key of development tokens.</summary>
    public string DevSigningKey()
    {
        var file = System.IO.Path.Combine(Path, "dev-signing-key");
        try
        {
            // Created whole or not at all: a second process that starts at the same time reads the first one's key.
            var own = System.IO.Path.Combine(Path, $".key-{Environment.ProcessId}");
            if (!File.Exists(file))
            {
                var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
                if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
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
