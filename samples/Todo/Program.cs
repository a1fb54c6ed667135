using Dequeue.Samples.Todo;

// Todo <server> <token> [folder]: a story of two devices, one of them offline for a while. It begins with a user and a folder that have
// nothing yet.
var (server, token, folder) = (new Uri(args[0]), args[1], args.ElementAtOrDefault(2) ?? ".");
var nowhere = new Uri("http://127.0.0.1:9/");
using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));

await using (var offline = await TodoDevice.StartAsync("phone", folder, nowhere, token))
{
    await offline.AddAsync("Water the plants");
    await offline.AddAsync("Pay the rent");
    Console.WriteLine($"phone, offline: {string.Join(", ", offline.Open)} ({(await offline.FlushAsync()).Pending} wait)");
}

// The phone was closed in between: what it made is in its queue still.
await using var phone = await TodoDevice.StartAsync("phone", folder, server, token);
Console.WriteLine($"phone, online: {(await phone.FlushAsync()).Acknowledged} sent");

await using var laptop = await TodoDevice.StartAsync("laptop", folder, server, token);
await laptop.FollowAsync(static device => device.Open.Count == 2, patience.Token);
Console.WriteLine($"laptop, first sync: {string.Join(", ", laptop.Open)}");

// Live: the phone follows while the laptop works.
var following = phone.FollowAsync(static device => device.Open is ["Water the plants", "Call the dentist"], patience.Token);
await laptop.CompleteAsync("Pay the rent");
await laptop.AddAsync("Call the dentist");
await laptop.FlushAsync();
await following;
Console.WriteLine($"phone, live: {string.Join(", ", phone.Open)}");
