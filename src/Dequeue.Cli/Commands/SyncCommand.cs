using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dequeue.Cli.Terminal;
using Dequeue.Client;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue sync</c>: what a device does.</summary>
internal static class SyncCommand
{
    public static Command Create()
    {
        var (client, stream) = (new ClientOptions(), new StreamWishes());
        var rest = new Option<bool>("--rest") { Description = "REST pages alone, no stream" };
        var gateway = new Option<bool>("--gateway") { Description = "Stream through /v1/sync/stream, as the shipped app does, instead of negotiating" };
        var state = new Option<string?>("--state") { Description = "Folder that keeps the device's events and checkpoint; default in memory" };
        var device = new Option<string?>("--device") { Description = "This device's id; with it the filters of the shipped app apply" };
        var startOver = new Option<bool>("--start-over") { Description = "Forget what --state holds, and take the server's log from its beginning: after an erase, or for another user. Unsent events are put aside" };
        var json = new Option<bool>("--json") { Description = "Print the result as one line of JSON" };
        var command = new Command("sync", "Brings a device up to date: stream, fall back to REST if that fails, go on from the last checkpoint.\n\nExample: dequeue sync --state ./phone --token $(dequeue token --user ada)\nExample: dequeue sync --active --window 8\nExample: dequeue sync --compact") { state, rest, gateway, device, startOver, json };
        stream.AddTo(command);
        client.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(device) is not null && stream.IsCompact(parsed))
                throw new UsageException("--device filters events by what they are, which --compact does not know of: use one of them.");
            var options = stream.Read(parsed, client.Read(parsed)) with
            {
                Stream = parsed.GetValue(rest) ? StreamEndpoint.None : parsed.GetValue(gateway) ? StreamEndpoint.Gateway : StreamEndpoint.Negotiated,
                DeviceId = parsed.GetValue(device),
                Filter = parsed.GetValue(device) is null ? EventFilter.Mirror : EventFilter.ShippedApp,
            };
            var token = client.Token(parsed);
            await client.RequireServerAsync(parsed, cancellationToken);
            await using var store = await DeviceStore.OpenAsync(parsed.GetValue(state), cancellationToken);
            using var sync = new SyncManager(options, store.Events, token);
            if (parsed.GetValue(startOver))
            {
                var unsent = await sync.BeginAnewAsync(cancellationToken);
                await Console.Error.WriteLineAsync($"The device starts over; {Counted.Of(unsent, "unsent event")} {(unsent == 1 ? "was" : "were")} put aside.");
            }

            SyncResult result;
            try
            {
                result = parsed.GetValue(json)
                    ? await sync.PullAsync(null, cancellationToken)
                    : await SyncBar.ShowAsync(Consoles.Error, "Sync", progress => sync.PullAsync(progress, cancellationToken));
            }
            catch (SyncFailedException other) when (other.Failure.Kind == SyncFailureKind.HistoryChanged)
            {
                await Console.Error.WriteLineAsync(PlainText.Of($"{other.Failure.Message} Here that is --start-over."));
                return 1;
            }

            if (result.PushedAgain is { } again) await Console.Error.WriteLineAsync(new HistoryChange(again, null).ToString());
            Console.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(Report.Of(result, await store.DigestAsync(cancellationToken)), SyncReportJson.Default.Report)
                : Text(result));
            return 0;
        });
        return command;
    }

    private static string Text(SyncResult result)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Counted.Of(result.Events, "event")} in {result.Seconds:0.000} s by {result.Transport.ToString().ToLowerInvariant()}, checkpoint {result.Checkpoint}");
        if (result.ReadySeconds is { } ready) text.Append(CultureInfo.InvariantCulture, $"; those asked for first were there after {ready:0.000} s");
        if (result.HistoryEvents is { } history) text.Append(CultureInfo.InvariantCulture, $"; they are what matters of {history:N0}");
        if (result.Repaired > 0) text.Append(CultureInfo.InvariantCulture, $"; {Counted.Of(result.Repaired, "event")} {(result.Repaired == 1 ? "was" : "were")} fetched anew");
        if (result.Resumes > 0) text.Append("; the stream was cut and went on");
        if (result.StreamFailure is { } failure) text.Append(CultureInfo.InvariantCulture, $"; the stream failed: {failure}");
        return PlainText.Of(text.ToString());
    }

    internal sealed record Report(long Events, double Seconds, string Transport, string Checkpoint, string Digest, long Bytes)
    {
        /// <summary>Of a compact sync by stream: the events of the history.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public long? HistoryEvents { get; init; }

        public static Report Of(SyncResult result, string digest)
            => new(result.Events, Math.Round(result.Seconds, 6), result.Transport.ToString().ToLowerInvariant(), result.Checkpoint.ToString(), digest, result.Bytes) { HistoryEvents = result.HistoryEvents };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SyncCommand.Report))]
internal sealed partial class SyncReportJson : JsonSerializerContext;
