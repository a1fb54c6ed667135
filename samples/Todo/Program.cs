using Dequeue.Samples.Todo;

// Todo <server> <token> [folder]: a story of two devices, one of them offline for a while. It begins with a user and a folder that have
// nothing yet.
if (args is not [var url, var token, ..] || !Uri.TryCreate(url, UriKind.Absolute, out var server))
{
    Console.Error.WriteLine("Todo <server> <token> [folder]");
    return 2;
}

var folder = args.ElementAtOrDefault(2) ?? ".";
var nowhere = new Uri("http://127.0.0.1:9/");
const string late = "Nothing more came within a minute.";
using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));

await using (var offline = await TodoDevice.StartAsync("phone", folder, nowhere, token))
{
    if (offline.Open.Count > 0)
        return Failed($"The folder {folder} has tasks already ({string.Join(", ", offline.Open)}): the story begins with an empty one.");
    await offline.AddAsync("Water the plants");
    await offline.AddAsync("Pay the rent");
    Console.WriteLine($"phone, offline: {string.Join(", ", offline.Open)} ({(await offline.FlushAsync()).Pending} wait)");
}

// The phone was closed in between: what it made is in its queue still.
await using var phone = await TodoDevice.StartAsync("phone", folder, server, token);
var flushed = await phone.FlushAsync();
if (flushed.Failure is { } failure) return Failed(failure.Message);
Console.WriteLine($"phone, online: {flushed.Acknowledged} sent");

await using var laptop = await TodoDevice.StartAsync("laptop", folder, server, token);
if (await laptop.PullAsync() is { } broken) return Failed(broken.Message);
if (laptop.Open is not ["Water the plants", "Pay the rent"])
    return Failed($"The user has tasks already ({string.Join(", ", laptop.Open)}): the story begins with a new one.");
Console.WriteLine($"laptop, first sync: {string.Join(", ", laptop.Open)}");

// Live: the phone follows while the laptop works.
var following = phone.FollowAsync(static device => device.Open is ["Water the plants", "Call the dentist"], patience.Token);
await laptop.CompleteAsync("Pay the rent");
await laptop.AddAsync("Call the dentist");
await laptop.FlushAsync();
if (!await following) return Failed(late);
Console.WriteLine($"phone, live: {string.Join(", ", phone.Open)}");
return 0;

static int Failed(string sentence)
{
    Console.Error.WriteLine(sentence);
    return 1;
}
