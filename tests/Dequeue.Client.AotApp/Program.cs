using System.Text;
using System.Text.Json.Serialization;
using Dequeue.Client;
using Dequeue.Client.Sqlite;

// Dequeue.Client.AotApp <server> <token> <file>: a device, compiled ahead of time.
await using var store = await SqliteEventStore.OpenAsync(args[2]);
using var sync = new SyncManager(new SyncOptions { Server = new Uri(args[0]) }, store, TokenProviders.Fixed(args[1]));

var pulled = await sync.PullAsync();
await sync.EnqueueAsync([Encoding.UTF8.GetBytes(
    """{"id":"aot","ts":"2026-01-01T00:00:00Z","type":"task.created","payload":{"taskId":"t","title":"Milk"},"payload_version":2}""")]);
var flushed = await sync.FlushAsync();
await sync.PullAsync();
await foreach (var next in sync.WatchAsync("app"))
{
    if (next.Id != "aot") continue;
    var title = next.PayloadAs(AppJson.Default.Payload)?.Title;
    Console.WriteLine($"{pulled.Transport} {pulled.Events} {pulled.DigestVerified} {flushed.Acknowledged} {next.EntityId} {title}");
    break;
}

internal sealed record Payload(string TaskId, string Title);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Payload))]
internal sealed partial class AppJson : JsonSerializerContext;
