using System.Text.Json;
using Dequeue.Client;
using Dequeue.Client.Sqlite;

if (args is not [var url, var token, var device] || !Uri.TryCreate(url, UriKind.Absolute, out var server))
{
    Console.Error.WriteLine("FirstApp <server> <token> <device>");
    return 2;
}

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

// All that this user's devices have made and will make, each event at least once. Being offline is waited for; a refusal is not.
try
{
    await foreach (var next in sync.WatchAsync("screen"))
    {
        var title = JsonDocument.Parse(next.Payload).RootElement.GetProperty("state").GetProperty("title");
        Console.WriteLine($"{next.Type} {next.EntityId}: {title}");
    }
}
catch (SyncFailedException refused)
{
    Console.Error.WriteLine(refused.Message);
    return 1;
}

return 0;
