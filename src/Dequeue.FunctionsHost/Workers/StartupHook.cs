/// <summary>
/// Runs in the worker's process before its own code (DOTNET_STARTUP_HOOKS, which wants this name and no namespace): ends it as soon
/// as its standard input is closed, which is when the host has ended, by whatever means. Uses nothing but the runtime.
/// </summary>
internal static class StartupHook
{
    /// <summary>The exit code of a worker whose host has gone.</summary>
    private const int HostGone = 3;

    /// <summary>Called by the runtime.</summary>
    public static void Initialize()
    {
        // Not for the processes that the worker starts in turn.
        Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", null);
        new Thread(Watch) { IsBackground = true, Name = "Ends with the host" }.Start();
    }

    private static void Watch()
    {
        using var input = Console.OpenStandardInput();
        var buffer = new byte[1];
        try
        {
            while (input.Read(buffer, 0, 1) > 0)
            {
            }
        }
        catch (IOException)
        {
        }

        Environment.Exit(HostGone);
    }
}
