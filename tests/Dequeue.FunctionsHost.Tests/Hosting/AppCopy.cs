namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary>A folder that is the test app's but for its host.json.</summary>
internal sealed class AppCopy : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("functions-app-");

    public AppCopy(string hostJson)
    {
        File.WriteAllText(System.IO.Path.Combine(Path, "host.json"), hostJson);
        var worker = System.IO.Path.Combine(AppContext.BaseDirectory, "Dequeue.FunctionsHost.TestApp.dll");
        File.WriteAllText(
            System.IO.Path.Combine(Path, "worker.config.json"),
            $$$"""{"description":{"language":"dotnet-isolated","defaultExecutablePath":"dotnet","defaultWorkerPath":"{{{worker}}}"}}""");
    }

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);
}
