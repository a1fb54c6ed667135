using Dequeue.Tests.Shared;

namespace Dequeue.Site.Tests;

/// <summary>A new folder with the package dequeue-client, installed from its tarball once for all tests, and what is bundled from it.</summary>
public sealed class InstalledPackage : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-client-");
    private Task<string>? _installing;

    public string Folder => _folder.FullName;

    /// <summary>Waits for it. Called by a test, which is skipped where there is no Node.</summary>
    public Task InstallAsync() => _installing ??= NodeTools.RunAsync("client/install.mjs", [Folder], CancellationToken.None);

    public void Dispose() => _folder.Delete(recursive: true);
}
