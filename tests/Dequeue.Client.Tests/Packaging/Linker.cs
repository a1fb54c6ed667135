namespace Dequeue.Client.Tests.Packaging;

/// <summary>What links an app that is compiled ahead of time: the machine's C compiler.</summary>
internal static class Linker
{
    /// <summary>Finds one, or installs it where that needs no more than apt-get. A test without one is skipped, and in CI fails.</summary>
    public static async Task<string> NeedAsync()
    {
        if (Find() is { } found) return found;
        if (Environment.IsPrivilegedProcess && Command.Find("apt-get") is { } apt)
        {
            await Command.RunAsync(apt, "update", "-qq");
            await Command.RunAsync(apt, "install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "gcc", "libc6-dev");
        }

        if (Find() is { } installed) return installed;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail("A C compiler is missing.");
        Assert.Skip("A C compiler is missing, and cannot be installed here: apt-get install gcc libc6-dev.");
        return "";
    }

    private static string? Find() => Command.Find("clang") ?? Command.Find("gcc");
}
