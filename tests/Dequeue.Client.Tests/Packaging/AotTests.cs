using Dequeue.Client.Tests.Servers;

namespace Dequeue.Client.Tests.Packaging;

/// <summary>
/// The packages say that they are fit for Native AOT: an app is compiled with them, without a warning, and runs. Slower than any other
/// test here, because nothing less than the compiler tells.
/// </summary>
[Collection(nameof(PackageTests))]
public sealed class AotTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-aot-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_app_compiled_ahead_of_time_syncs()
    {
        var linker = await Linker.NeedAsync();
        var project = Path.Combine(Repository.Root, "tests", "Dequeue.Client.AotApp", "Dequeue.Client.AotApp.csproj");
        var (built, output) = await Command.RunAsync(
            "dotnet", "publish", project, "-c", "Release", "--no-build", "-v", "q", "-o", _folder, $"-p:CppCompilerAndLinker={linker}");
        Assert.True(built == 0, output);
        Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);

        await using var server = await TestServer.StartAsync(300);
        var (ran, said) = await Command.RunAsync(
            Path.Combine(_folder, "Dequeue.Client.AotApp"), server.Address.AbsoluteUri, TestServer.Token, Path.Combine(_folder, "device.db"));

        Assert.Equal((0, "Stream 300 True 1 t Milk"), (ran, said.Trim()));
    }
}
