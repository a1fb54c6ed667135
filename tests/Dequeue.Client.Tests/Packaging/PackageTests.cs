using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Dequeue.Client.Tests.Packaging;

/// <summary>What is published looks finished, is the same wherever it is made, and can be used from nothing but itself.</summary>
/// <remarks>One after the other, because they use the same intermediate files; beside the other tests, because they wait for compilers.</remarks>
[CollectionDefinition(nameof(PackageTests))]
[Collection(nameof(PackageTests))]
public sealed partial class PackageTests(PackedPackages packed) : IClassFixture<PackedPackages>
{
    private static readonly string[] Libraries = ["Dequeue.Client", "Dequeue.Client.Hosting", "Dequeue.Client.Sqlite", "Dequeue.Contracts"];
    private static readonly string[] Frameworks = ["net8.0", "net10.0"];
    private static readonly string[] All = ["Dequeue.Cli", .. Libraries];

    public static TheoryData<string> EachPackage => [.. All];

    public static TheoryData<string> EachLibrary => [.. Libraries];

    [Fact]
    public void One_command_packs_all_of_them_with_their_symbols()
    {
        Assert.Equal(
            All.SelectMany(static id => new[] { $"{id}.nupkg", $"{id}.snupkg" }).Order(StringComparer.Ordinal),
            Directory.GetFiles(packed.Source).Select(static file => Version().Replace(Path.GetFileName(file), "")).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(EachPackage))]
    public void A_package_says_what_it_is_and_where_it_comes_from(string id)
    {
        using var package = Open(id, "nupkg");
        var about = Manifest(package);
        string Value(string name) => about.Elements().Single(element => element.Name.LocalName == name).Value;
        var repository = about.Elements().Single(static element => element.Name.LocalName == "repository");

        Assert.Equal(id, Value("id"));
        Assert.NotEqual("Package Description", Value("description"));
        Assert.Equal("MIT", Value("license"));
        Assert.Contains("offline-first", Value("tags").Split(' '));
        Assert.StartsWith("# ", Text(package, Value("readme")), StringComparison.Ordinal);
        Assert.Equal([0x89, .. "PNG"u8], Bytes(package, Value("icon"))[..4]);
        Assert.Equal(("git", PackedPackages.RepositoryUrl), (repository.Attribute("type")?.Value, repository.Attribute("url")?.Value));
        Assert.Matches("^[0-9a-f]{40}$", repository.Attribute("commit")?.Value);
    }

    [Theory]
    [MemberData(nameof(EachLibrary))]
    public void A_library_is_there_for_each_framework_with_its_documentation(string id)
    {
        using var package = Open(id, "nupkg");
        var groups = Manifest(package).Descendants().Where(static element => element.Name.LocalName == "group");

        Assert.Equal(
            Frameworks.SelectMany(framework => new[] { $"lib/{framework}/{id}.dll", $"lib/{framework}/{id}.xml" }).Order(StringComparer.Ordinal),
            package.Entries.Select(static entry => entry.FullName)
                .Where(static name => name.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(
            Frameworks.Order(StringComparer.Ordinal),
            groups.Select(static group => group.Attribute("targetFramework")!.Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_tool_is_there_with_the_backend_that_it_serves()
    {
        using var package = Open("Dequeue.Cli", "nupkg");

        foreach (var file in new[] { "DotnetToolSettings.xml", "dequeue.dll", "Dequeue.Functions.dll", "Dequeue.FunctionsHost.dll", "e_sqlite3.dll" })
            Assert.Contains(package.Entries, entry => entry.FullName.StartsWith("tools/net10.0/any/", StringComparison.Ordinal) && entry.Name == file);
    }

    [Fact]
    public async Task The_tool_is_installed_from_a_folder_and_runs_the_whole_backend()
    {
        var path = Path.Combine(packed.Outside, "tool");
        var (installed, said) = await Command.RunAsync("dotnet", "tool", "install", "Dequeue.Cli", "--tool-path", path, "--source", packed.Source);
        Assert.True(installed == 0, said);

        // It starts the functions in a process of their own, from the folder of the tool.
        var (code, output) = await Command.RunAsync(Path.Combine(path, "dequeue"), "demo", "--events", "500", "--exit", "--port", "0", "--pubsub-port", "0");
        Assert.True(code == 0, output);
        Assert.Contains("Every device holds the pushed history", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(EachPackage))]
    public void The_same_source_gives_the_same_bytes_and_the_symbols_fit(string id)
    {
        using var package = Open(id, "nupkg");
        using var symbols = Open(id, "snupkg");
        var pdbs = symbols.Entries.Where(static entry => entry.FullName.EndsWith(".pdb", StringComparison.Ordinal)).ToList();
        var (name, times) = id == "Dequeue.Cli" ? ("dequeue.pdb", 1) : ($"{id}.pdb", Frameworks.Length);
        Assert.Equal(times, pdbs.Count(entry => entry.Name == name));

        Assert.All(pdbs, entry =>
        {
            using var assembly = new PEReader(new MemoryStream(Bytes(package, Path.ChangeExtension(entry.FullName, ".dll"))));
            using var pdb = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(Bytes(symbols, entry.FullName)));
            var reader = pdb.GetMetadataReader();
            var debug = assembly.ReadDebugDirectory();
            var code = assembly.ReadCodeViewDebugDirectoryData(debug.Single(static one => one.Type == DebugDirectoryEntryType.CodeView));

            Assert.Contains(debug, static one => one.Type == DebugDirectoryEntryType.Reproducible);
            Assert.Equal(code.Guid, new BlobContentId(reader.DebugMetadataHeader!.Id).Guid);
            Assert.All(reader.Documents, document =>
                Assert.StartsWith("/_/", reader.GetString(reader.GetDocument(document).Name), StringComparison.Ordinal));
        });
    }

    [Fact]
    public async Task An_app_of_each_framework_restores_from_a_local_source_alone()
    {
        var app = packed.Outside;
        await File.WriteAllTextAsync(
            Path.Combine(app, "nuget.config"),
            """<configuration><packageSources><clear /><add key="here" value="../packages" /></packageSources></configuration>""",
            TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(app, "App.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFrameworks>{string.Join(';', Frameworks)}</TargetFrameworks>
                <RestorePackagesPath>restored</RestorePackagesPath>
                <RestoreFallbackFolders>{await GlobalPackagesAsync()}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Dequeue.Client.Hosting" Version="*" />
                <PackageReference Include="Dequeue.Client.Sqlite" Version="*" />
              </ItemGroup>
            </Project>
            """,
            TestContext.Current.CancellationToken);

        var (code, output) = await Command.RunAsync("dotnet", "restore", Path.Combine(app, "App.csproj"), "-v", "q");

        Assert.True(code == 0, output);
        using var assets = JsonDocument.Parse(
            await File.ReadAllTextAsync(Path.Combine(app, "obj", "project.assets.json"), TestContext.Current.CancellationToken));
        foreach (var framework in Frameworks)
        {
            var compiled = assets.RootElement.GetProperty("targets").GetProperty(framework).EnumerateObject()
                .Where(static library => library.Name.StartsWith("Dequeue.", StringComparison.Ordinal))
                .Select(static library => library.Value.GetProperty("compile").EnumerateObject().Single().Name);
            Assert.Equal(
                Libraries.Select(id => $"lib/{framework}/{id}.dll").Order(StringComparer.Ordinal), compiled.Order(StringComparer.Ordinal));
        }
    }

    // What the solution's own restore has brought: the packages of others.
    private static async Task<string> GlobalPackagesAsync()
    {
        var (code, output) = await Command.RunAsync("dotnet", "nuget", "locals", "global-packages", "--list", "--force-english-output");
        Assert.True(code == 0, output);
        return output[(output.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    private ZipArchive Open(string id, string extension)
        => ZipFile.OpenRead(Directory.GetFiles(packed.Source).Single(file => Version().Replace(Path.GetFileName(file), "") == $"{id}.{extension}"));

    private static XElement Manifest(ZipArchive package)
    {
        using var nuspec = package.Entries.Single(static entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(nuspec).Root!.Elements().Single();
    }

    private static string Text(ZipArchive package, string name) => System.Text.Encoding.UTF8.GetString(Bytes(package, name));

    private static byte[] Bytes(ZipArchive package, string name)
    {
        using var entry = package.GetEntry(name)!.Open();
        using var copy = new MemoryStream();
        entry.CopyTo(copy);
        return copy.ToArray();
    }

    [GeneratedRegex(@"\.\d+\.\d+\.\d+(-[\w.]+)?(?=\.s?nupkg$)")]
    private static partial Regex Version();
}
