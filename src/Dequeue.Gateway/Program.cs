using Dequeue.Functions.Configuration;
using Dequeue.Gateway;

if (args is ["--help" or "-h"])
{
    Console.WriteLine(
        "Forwards /v1/sync/stream and /apps/{appId}/ws to Web PubSub. Settings: Gateway__Functions, the URL of the functions; "
        + "Gateway__Origins, a comma list of the origins whose pages may open a socket (default: every one).");
    return 0;
}

var builder = WebApplication.CreateSlimBuilder(args);
if (!Uri.TryCreate(builder.Configuration["Gateway:Functions"], UriKind.Absolute, out var functions))
{
    await Console.Error.WriteLineAsync("Gateway__Functions is missing: the URL of the functions, such as https://my-sync.azurewebsites.net.");
    return 1;
}

var origins = builder.Configuration["Gateway:Origins"];
if (!AllowedOrigins.TryParse(origins, out _))
{
    await Console.Error.WriteLineAsync("Gateway__Origins is a comma list of origins, such as https://app.example, or *.");
    return 1;
}

// Request lines would put the token of a live socket into the log.
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
builder.Logging.AddFilter("Yarp", LogLevel.Warning);
builder.Services.AddSyncGateway(_ => functions, origins);

// Streams that run may come to their end; infra/app/gateway.bicep gives them 60 seconds.
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(55));

var app = builder.Build();
app.MapGet("/healthz", () => Results.Ok());
app.UseSyncGateway();
await app.RunAsync();
return 0;
