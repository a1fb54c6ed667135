namespace Dequeue.Client.Tests.Packaging;

/// <summary>The packages, made once by the command of CONTRIBUTING.md from what is built already.</summary>
public sealed class PackedPackages : IAsyncLifetime
{
    /// <summary>As the release gives it: a clone's own comes from its origin, and a clone may have none.</summary>
    public const string RepositoryUrl = "https://git.example/dequeue";

    private readonly string _root = Directory.CreateTempSubdirectory("dequeue-packages-").FullName;

    /// <summary>A folder outside the clone: none of its rules hold there.</summary>
    public string Outside => Directory.CreateDirectory(Path.Combine(_root, "outside")).FullName;

    /// <summary>The packages' folder: a local source.</summary>
    public string Source => Path.Combine(_root, "packages");

    public async ValueTask InitializeAsync()
    {
        var (code, output) = await Command.RunAsync(
            "dotnet", "pack", Path.Combine(Repository.Root, "Dequeue.Functions.sln"), "-c", "Release", "--no-build", "-v", "q",
            "-o", Source, $"-p:RepositoryUrl={RepositoryUrl}");
        Assert.True(code == 0, output);
        Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }
}
