namespace Dequeue.Client.Tests.Packaging;

/// <summary>The clone that the tests run in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Dequeue.Functions.sln"))) return folder.FullName;
        }

        throw new DirectoryNotFoundException("Dequeue.Functions.sln");
    }
}
