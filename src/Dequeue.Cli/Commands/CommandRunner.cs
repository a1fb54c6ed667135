using System.CommandLine;
using System.CommandLine.Parsing;
using System.Data.Common;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Dequeue.Cli.Terminal;
using Dequeue.Client;
using Dequeue.Functions.Configuration;
using Dequeue.FunctionsHost;
using Dequeue.Sync.Storage;
using Microsoft.AspNetCore.Connections;

namespace Dequeue.Cli.Commands;

/// <summary>Runs a command line. Exit codes: 0 done, 1 failed with one sentence on stderr, 2 bad usage, 130 interrupted before it was done.</summary>
public static class CommandRunner
{
    private const int Failed = 1;
    private const int BadUsage = 2;
    private const int Interrupted = 130;

    /// <summary>What a server may take to end its work; then the process ends with it.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(30);

    /// <summary>Runs it.</summary>
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        ArgumentNullException.ThrowIfNull(root);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not System.CommandLine.Help.HelpAction)
        {
            foreach (var sentence in UsageErrors.Of(parsed)) await Console.Error.WriteLineAsync(sentence);
            await Console.Error.WriteLineAsync("Try --help.");
            return BadUsage;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            // The library's own way gives no reason for a cancellation.
            var running = parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop.Token);
            return await Task.WhenAny(running, EndOfPatienceAsync(stop.Token)) == running ? await running : Interrupted;
        }
        catch (UsageException wrong)
        {
            await Console.Error.WriteLineAsync(wrong.Message);
            return BadUsage;
        }
        catch (IOException taken) when (taken.InnerException is AddressInUseException)
        {
            await Console.Error.WriteLineAsync(PortTaken(parsed, taken));
            return Failed;
        }
        catch (Exception failure) when (failure is FunctionsHostException or SettingsException or SyncFailedException or SignedOutException
            or IOException or SocketException or UnauthorizedAccessException or FormatException or HttpRequestException or StorageUnavailableException)
        {
            await Console.Error.WriteLineAsync(OneSentence(failure));
            return Failed;
        }
        catch (Exception failure) when (failure is DbException or InvalidDataException)
        {
            await Console.Error.WriteLineAsync($"The device's store cannot be used: {Cause(failure)}");
            return Failed;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("It took too long.");
            return Failed;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _ = stop.CancelAsync();
        }
    }

    private static async Task EndOfPatienceAsync(CancellationToken stop)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(EndTime, CancellationToken.None);
    }

    /// <summary>Which port is taken, and the option that names another one: the web server says the address that it could not have.</summary>
    private static string PortTaken(ParseResult parsed, IOException taken)
    {
        var ports = parsed.CommandResult.Command.Options.OfType<Option<int>>().Where(static option => option.Name.EndsWith("port", StringComparison.Ordinal));
        return ports.FirstOrDefault(option => taken.Message.Contains($":{parsed.GetValue(option)}:", StringComparison.Ordinal)) is { } port
            ? $"Port {parsed.GetValue(port)} is in use by another process: {port.Name} names another one, 0 any free one."
            : OneSentence(taken);
    }

    // SQLite says "SQLite Error 13: 'database or disk is full'."
    private static string Cause(Exception failure)
        => failure is DbException && failure.Message.Split('\'') is [_, var cause, ..] ? $"{cause}." : OneSentence(failure);

    // A port that is taken is reported by the web server in an exception within an exception.
    private static string OneSentence(Exception failure) => PlainText.Of(failure.Message);
}

/// <summary>Options that contradict each other. The message is one sentence.</summary>
public sealed class UsageException(string message) : Exception(message);
