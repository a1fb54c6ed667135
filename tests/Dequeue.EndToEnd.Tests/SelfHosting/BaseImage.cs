using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>A registry on this machine that has one image, with the names and the user of .NET's own and nothing in it: what a publish puts on top is
/// what a test looks at.</summary>
internal sealed class BaseImage : IAsyncDisposable
{
    /// <summary>The id of the user that .NET's images name <c>app</c>.</summary>
    public const string User = "1654";

    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private readonly Dictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);
    private readonly WebApplication _app;
    private readonly byte[] _manifest;

    private BaseImage(WebApplication app, byte[] tar)
    {
        _app = app;
        var layer = Compress(tar);
        var config = Json(new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Env"] = new JsonArray("PATH=/usr/bin", $"APP_UID={User}"), ["User"] = User },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(Digest(tar)) },
            ["history"] = new JsonArray(),
        });
        _manifest = Json(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ManifestType,
            ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", config),
            ["layers"] = new JsonArray(Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)),
        });
        foreach (var blob in new[] { layer, config, _manifest }) _blobs[Digest(blob)] = blob;
    }

    /// <summary>What <c>ContainerBaseImage</c> calls it.</summary>
    public string Name => $"localhost:{new Uri(_app.Urls.Single()).Port}/base:1";

    /// <summary>Starts the registry.</summary>
    public static async Task<BaseImage> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var image = new BaseImage(builder.Build(), Tar());
        image._app.MapGet("/v2/", static () => "");
        image._app.MapMethods("/v2/base/manifests/{name}", ["GET", "HEAD"], image.Manifest);
        image._app.MapMethods("/v2/base/blobs/{digest}", ["GET", "HEAD"], image.Blob);
        await image._app.StartAsync(cancellationToken);
        return image;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IResult Manifest(string name, HttpResponse response)
    {
        response.Headers["Docker-Content-Digest"] = Digest(_manifest);
        return name == "1" || name == Digest(_manifest) ? Results.Bytes(_manifest, ManifestType) : Results.NotFound();
    }

    private IResult Blob(string digest) => _blobs.TryGetValue(digest, out var blob) ? Results.Bytes(blob, "application/octet-stream") : Results.NotFound();

    private static byte[] Tar()
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, leaveOpen: true)) writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "home/"));
        return tar.ToArray();
    }

    private static byte[] Compress(byte[] tar)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest)) gzip.Write(tar);
        return compressed.ToArray();
    }

    private static JsonObject Descriptor(string type, byte[] blob) => new() { ["mediaType"] = type, ["digest"] = Digest(blob), ["size"] = blob.Length };

    private static byte[] Json(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
