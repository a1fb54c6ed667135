namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary>A folder that is the test app's but for its host.json.</summary>
internal sealed class AppCopy : IDisposable
{
    private const string HostJson = "host.json";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("functions-app-");

    public AppCopy(string hostJson)
    {
        foreach (var file in new DirectoryInfo(AppContext.BaseDirectory).EnumerateFiles().Where(static file => file.Name != HostJson))
            File.CreateSymbolicLink(System.IO.Path.Combine(Path, file.Name), file.FullName);
        File.WriteAllText(System.IO.Path.Combine(Path, HostJson), hostJson);
    }

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);
}
