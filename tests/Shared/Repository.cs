namespace Dequeue.Tests.Shared;

/// <summary>The clone that the tests run in.</summary>
internal static class Repository
{
    /// <summary>Its folder.</summary>
    public static string Root { get; } = Find();

    /// <summary>A file or folder in it.</summary>
    public static string File(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(folder.FullName, "Dequeue.Functions.sln"))) return folder.FullName;
        }

        throw new DirectoryNotFoundException("There is no Dequeue.Functions.sln above the test program.");
    }
}
