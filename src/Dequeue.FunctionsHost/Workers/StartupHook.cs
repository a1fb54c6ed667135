using System.Runtime.InteropServices;

/// <summary>
/// Runs in the worker's process before its own code (DOTNET_STARTUP_HOOKS, which wants this name and no namespace): ends it as soon
/// as its standard input is closed, which is when the host has ended, by whatever means. Ctrl+C, which a terminal sends to both, is
/// the host's affair, which ends its worker in order. Uses nothing but the runtime.
/// </summary>
internal static class StartupHook
{
    /// <summary>The exit code of a worker whose host has gone.</summary>
    private const int HostGone = 3;

    /// <summary>The signal of Ctrl+C, and what ignores a signal, on every Unix.</summary>
    private const int Interrupt = 2, Ignore = 1;

    /// <summary>Called by the runtime.</summary>
    public static void Initialize()
    {
        // Not for the processes that the worker starts in turn.
        Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", null);
        if (OperatingSystem.IsWindows()) _ = SetConsoleCtrlHandler(0, 1);
        else _ = Signal(Interrupt, Ignore);
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

    [DllImport("libc", EntryPoint = "signal")]
    private static extern nint Signal(int signal, nint handler);

    [DllImport("kernel32")]
    private static extern int SetConsoleCtrlHandler(nint handler, int ignore);
}
