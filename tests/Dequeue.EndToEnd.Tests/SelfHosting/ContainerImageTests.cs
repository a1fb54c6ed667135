using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Text.Json.Nodes;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>The container image: what is written is a whole image, and what it starts runs.</summary>
[Collection(PublishedFunctions.Collection)]
public sealed class ContainerImageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-image-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task An_image_is_made_without_Docker_and_what_it_starts_is_a_server()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What is in it runs on Linux.");
        var archive = Path.Combine(_folder.FullName, "dequeue.tar");
        await using (var image = await BaseImage.StartAsync(Cancelled)) await PublishAsync(image.Name, archive);
        var (config, root) = Unpack(archive);
        var (entrypoint, user, arguments) = (config["Entrypoint"]!.AsArray(), (string?)config["User"], config["Cmd"]!.AsArray().Select(static word => (string)word!).ToArray());

        Assert.Equal(BaseImage.User, user);
        Assert.Equal(["dotnet", "/app/dequeue.dll"], entrypoint.Select(static word => (string)word!));
        Assert.Equal("/app/", (string?)config["WorkingDir"]);
        Assert.Equal("7071/tcp", Assert.Single(config["ExposedPorts"]!.AsObject()).Key);
        Assert.Equal(["serve", "--listen", "0.0.0.0"], arguments);

        // Compiled ahead: a portable library has no code of a machine.
        using (var functions = new System.Reflection.PortableExecutable.PEReader(File.OpenRead(Path.Combine(root, "app", "Dequeue.Functions.dll"))))
            Assert.True(functions.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0);

        // As it starts by itself others reach it, so it wants an issuer.
        var program = Path.Combine(root, "app", "dequeue.dll");
        var home = Directory.CreateDirectory(Path.Combine(_folder.FullName, "home")).FullName;
        var environment = new Dictionary<string, string> { ["HOME"] = home, ["XDG_DATA_HOME"] = "" };
        await using (var refused = ChildProcess.StartProgram(environment, ["dotnet", program, .. arguments, "--port", "0", "--pubsub-port", "0"]))
        {
            Assert.Equal(1, await refused.EndAsync());
            Assert.StartsWith("Others can reach this server", refused.Errors, StringComparison.Ordinal);
        }

        await using var server = ChildProcess.StartProgram(environment, ["dotnet", program, .. arguments, "--port", "0", "--pubsub-port", "0", "--development-tokens"]);
        var address = await server.ReadyAsync();
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{address.Port}/healthz"), Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.True(File.Exists(Path.Combine(home, ".local", "share", "dequeue", "events.db")));
        Assert.Equal(0, await server.TerminateAsync());
    }

    private static async Task PublishAsync(string image, string archive)
    {
        string[] arguments =
        [
            "publish", Repository.File("src", "Dequeue.Cli"), "-c", "Release", "-v", "q", "-t:PublishContainer", $"-p:ContainerBaseImage={image}", $"-p:ContainerArchiveOutputPath={archive}",
        ];
        using var publish = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        var output = await publish.StandardOutput.ReadToEndAsync(Cancelled);
        await publish.WaitForExitAsync(Cancelled);
        Assert.True(publish.ExitCode == 0, output);
    }

    // An OCI archive: an index, and blobs by their digest.
    private (JsonObject Config, string Root) Unpack(string archive)
    {
        var (blobs, root) = (Path.Combine(_folder.FullName, "blobs-of"), Directory.CreateDirectory(Path.Combine(_folder.FullName, "root")).FullName);
        Directory.CreateDirectory(blobs);
        TarFile.ExtractToDirectory(archive, blobs, overwriteFiles: false);
        var manifest = Read(Digest(JsonNode.Parse(File.ReadAllText(Path.Combine(blobs, "index.json")))!["manifests"]![0]!));
        foreach (var layer in manifest["layers"]!.AsArray())
        {
            using var tar = new GZipStream(File.OpenRead(Digest(layer!)), CompressionMode.Decompress);
            TarFile.ExtractToDirectory(tar, root, overwriteFiles: true);
        }

        return (Read(Digest(manifest["config"]!))["config"]!.AsObject(), root);

        string Digest(JsonNode descriptor) => Path.Combine(blobs, "blobs", ((string)descriptor["digest"]!).Replace(':', '/'));
        static JsonNode Read(string file) => JsonNode.Parse(File.ReadAllText(file))!;
    }
}
