using System.ComponentModel;
using System.Diagnostics;

namespace Dequeue.Cli.Terminal;

/// <summary>Opens an address in the user's browser.</summary>
internal static class Browser
{
    /// <summary>An opener that has not failed by then has opened something; some stay for as long as the browser does.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Opens it.</summary>
    /// <returns>Null, or one sentence that says why not.</returns>
    public static async Task<string?> OpenAsync(Uri address, CancellationToken cancellationToken)
    {
        // What a browser says on its way belongs to nobody.
        var start = OperatingSystem.IsWindows() ? new ProcessStartInfo(address.AbsoluteUri) { UseShellExecute = true }
            : new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$1\" >/dev/null 2>&1", Opener, address.AbsoluteUri]);
        try
        {
            using var opener = Process.Start(start);
            if (opener is null) return null;
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            await opener.WaitForExitAsync(patience.Token);
            return opener.ExitCode == 0 ? null : $"No browser could be opened here ({Opener} ended with {opener.ExitCode}): follow the link by hand.";
        }
        catch (Win32Exception failure)
        {
            return $"No browser could be opened here ({failure.Message}): follow the link by hand.";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static string Opener => OperatingSystem.IsMacOS() ? "open" : "xdg-open";
}
