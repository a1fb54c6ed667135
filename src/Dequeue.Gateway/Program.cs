using Dequeue.Gateway;

if (args is ["--help" or "-h"])
{
    Console.WriteLine("Forwards /v1/sync/stream and /apps/{appId}/ws to Web PubSub. Setting: Gateway__Functions, the URL of the functions.");
    return 0;
}

var builder = WebApplication.CreateSlimBuilder(args);
if (!Uri.TryCreate(builder.Configuration["Gateway:Functions"], UriKind.Absolute, out var functions))
{
    await Console.Error.WriteLineAsync("Gateway__Functions is missing: the URL of the functions, such as https://my-sync.azurewebsites.net.");
    return 1;
}

// Request lines would put the token of a live socket into the log.
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
builder.Logging.AddFilter("Yarp", LogLevel.Warning);
builder.Services.AddSyncGateway(_ => functions);

// Streams that run may come to their end; infra/app/gateway.bicep gives them 60 seconds.
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(55));

var app = builder.Build();
app.MapGet("/healthz", () => Results.Ok());
app.UseSyncGateway();
await app.RunAsync();
return 0;
