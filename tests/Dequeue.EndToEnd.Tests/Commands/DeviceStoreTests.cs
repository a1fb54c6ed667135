using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Dequeue.Cli.Commands;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.Data.Sqlite;

namespace Dequeue.EndToEnd.Tests.Commands;

/// <summary>A device's commands on a store, a reader or a network that fails them: one sentence, exit 1.</summary>
public sealed class DeviceStoreTests(Backend backend) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-device-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("garbage", "not a database")]
    [InlineData("a later version", "format 99")]
    [InlineData("a folder that takes no file", "")]
    [InlineData("a full disk", "The device's store cannot be used")]
    public async Task A_store_that_cannot_be_used_is_told_in_one_sentence(string what, string named)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3000);
        var database = Path.Combine(_folder, "device.db");
        if (what == "garbage") await File.WriteAllBytesAsync(database, [.. Enumerable.Range(0, 9000).Select(static i => (byte)(i * 31 + 7))], Cancelled);
        if (what == "a later version") await ExecuteAsync(database, "PRAGMA user_version = 99");
        var state = what == "a folder that takes no file" ? "/proc/sys" : _folder;

        // A file that may grow no further looks to SQLite as a disk that takes no more. The runtime needs files of its own without a limit.
        var limit = what == "a full disk" ? "trap '' XFSZ; ulimit -f 256; export DOTNET_EnableWriteXorExecute=0 DOTNET_EnableDiagnostics=0; " : "";
        foreach (var command in new[] { "sync", "watch" })
        {
            var (code, output, errors) = await BashAsync($"{limit}{Dequeue} {command} --state {state} --server {backend.Address} --token {user.Token} >/dev/null");

            Assert.True(code == 1, $"{command}: {code} {output} {errors}");
            Assert.Single(errors.TrimEnd().Split('\n'), static line => !line.StartsWith("Sync: ", StringComparison.Ordinal));
            Assert.Contains(named, errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Watch_ends_with_its_reader_and_goes_on_where_the_reader_stopped()
    {
        var user = backend.NewUser();
        var ids = (await user.PushHistoryAsync(200)).Select(static json => JsonDocument.Parse(json).RootElement.GetProperty("id").GetString()).ToList();
        var seen = new List<string?>();

        foreach (var lines in new[] { 1, 1, 3, 100, 95 })
        {
            var (_, output, errors) = await BashAsync(
                $"{Dequeue} watch --state {_folder} --server {backend.Address} --token {user.Token} | head -n {lines}; exit ${{PIPESTATUS[0]}}");
            Assert.Empty(errors);
            seen.AddRange(output.TrimEnd().Split('\n').Select(static line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()));
        }

        Assert.Equal(ids, seen);
    }

    [Theory]
    [InlineData("sync")]
    [InlineData("push --generate 3")]
    public async Task A_port_that_takes_and_resets_is_told_in_one_sentence(string command)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        listener.Start();
        var resetting = ResetAllAsync(listener, stop.Token);

        var (code, _, errors) = await BashAsync($"{Dequeue} {command} --server http://{listener.LocalEndpoint} --token t");

        await stop.CancelAsync();
        await resetting;
        Assert.Equal(1, code);
        Assert.Single(errors.TrimEnd().Split('\n'), static line => line.Contains("/v1/sync/", StringComparison.Ordinal));
    }

    private static string Dequeue => $"NO_COLOR=1 dotnet {typeof(CommandRunner).Assembly.Location}";

    private static async Task ResetAllAsync(TcpListener listener, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                using var taken = await listener.AcceptSocketAsync(cancellationToken);
                taken.LingerState = new LingerOption(true, 0);
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private static async Task<(int Code, string Output, string Errors)> BashAsync(string script)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = bash.StandardOutput.ReadToEndAsync(Cancelled);
        var errors = await bash.StandardError.ReadToEndAsync(Cancelled);
        await bash.WaitForExitAsync(Cancelled);
        return (bash.ExitCode, await output, errors);
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        await connection.OpenAsync(Cancelled);
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // A constant of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
