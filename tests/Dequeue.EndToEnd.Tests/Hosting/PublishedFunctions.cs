using System.Diagnostics;

namespace Dequeue.EndToEnd.Tests.Hosting;

/// <summary>The functions as a deployment has them: published into a folder of their own, but with the client from source.</summary>
internal static class PublishedFunctions
{
    /// <summary>The tests that publish: one after the other, since they build in the same folders.</summary>
    public const string Collection = "publishing";

    /// <summary>Publishes them.</summary>
    /// <returns>The folder; the caller deletes it.</returns>
    public static async Task<DirectoryInfo> PublishAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("dequeue-published-");
        string[] arguments = ["publish", Repository.File("src", "Dequeue.Functions"), "-c", "Release", "-v", "q", "-p:WebPubSubClient=Source", "-o", folder.FullName];
        using var publish = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        var output = await publish.StandardOutput.ReadToEndAsync(cancellationToken);
        await publish.WaitForExitAsync(cancellationToken);
        Assert.True(publish.ExitCode == 0, output);
        return folder;
    }
}
