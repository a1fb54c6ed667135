using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dequeue.Cli.Terminal;

/// <summary>
/// The standard output, a line at a time. Of a pipe it knows whether its reader is still there and how far it has read: the console's own
/// stream swallows a broken pipe, and a pipe takes hundreds of lines that nobody reads. A file has no reader to wait for.
/// </summary>
internal sealed class LineOutput : IAsyncDisposable
{
    private const int Output = 1;
    private const uint UnreadBytes = 0x541B; // FIONREAD of Linux

    /// <summary>How often it is seen whether the reader is gone, while there is nothing to write.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    private readonly Stream _stream;
    private readonly bool _isPiped;

    public LineOutput()
    {
        // Of a file this one would write at a place of its own, which whoever writes into it next does not know.
        var own = OperatingSystem.IsWindows() || !Console.IsOutputRedirected
            ? null
            : new FileStream(new SafeFileHandle(Output, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        _stream = own is { CanSeek: false } ? own : Console.OpenStandardOutput();
        _isPiped = OperatingSystem.IsLinux() && _stream == own;
    }

    /// <summary>Writes a line, and waits until a reader at the other end of a pipe has taken it.</summary>
    /// <exception cref="IOException">The reader is gone.</exception>
    public async Task WriteAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync((byte[])[.. line.Span, (byte)'\n'], cancellationToken);
        if (!_isPiped) return;
        var wait = new SpinWait();
        while (IoControl(Output, UnreadBytes, out var unread) == 0 && unread > 0)
        {
            if (IsClosed()) throw new IOException("The reader is gone.");
            if (wait.NextSpinWillYield && wait.Count > 100) await Task.Delay(1, cancellationToken);
            else wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Ends when the reader is gone.</summary>
    public async Task ClosedAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookInterval);
        while (!_isPiped || !IsClosed()) await timer.WaitForNextTickAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static bool IsClosed()
    {
        var output = new PollItem { Descriptor = Output };
        return Poll(ref output, 1, 0) > 0;
    }

    [DllImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref PollItem items, nuint count, int timeout);

    [DllImport("libc", EntryPoint = "ioctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int IoControl(int descriptor, nuint request, out int value);

    // Nothing is asked for: errors and hang-ups are told all the same.
    [StructLayout(LayoutKind.Sequential)]
    private struct PollItem
    {
        public int Descriptor;
        public short Wanted;
        public short Told;
    }
}
