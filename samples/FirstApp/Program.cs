using System.Text.Json;
using Dequeue.Client;
using Dequeue.Client.Sqlite;

// FirstApp <server> <token> <device>
var (server, token, device) = (new Uri(args[0]), args[1], args[2]);

await using var store = await SqliteEventStore.OpenAsync($"{device}.db");
using var sync = new SyncManager(new SyncOptions { Server = server }, store, TokenProviders.Fixed(token));

// What a device makes goes into its queue first, network or not.
var taskId = Guid.CreateVersion7().ToString();
await sync.EnqueueAsync([JsonSerializer.SerializeToUtf8Bytes(new
{
    id = Guid.CreateVersion7().ToString(),
    ts = DateTimeOffset.UtcNow,
    type = "task.created",
    payload = new { taskId, stackId = "inbox", state = new { id = taskId, title = $"A task of {device}" } },
    payload_version = 2,
    device_id = device,
})]);
Console.WriteLine($"Sent: {await sync.FlushAsync()}");

// All that this user's devices have made and will make, each event at least once.
await foreach (var next in sync.WatchAsync("screen"))
{
    var title = JsonDocument.Parse(next.Payload).RootElement.GetProperty("state").GetProperty("title");
    Console.WriteLine($"{next.Type} {next.EntityId}: {title}");
}
