using System.Text.Json.Serialization;
using Dequeue.Client;
using Dequeue.Client.Hosting;
using Dequeue.Client.Sqlite;
using Dequeue.Contracts.Events;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dequeue.Samples.Snippets;

/// <summary>The code of README.md and the documents, compiled: a test compares them.</summary>
public static class Snippets
{
    public static async Task ReadmeAsync()
    {
        await using var store = await SqliteEventStore.OpenAsync("device.db");
        using var sync = new SyncManager(new SyncOptions { Server = new Uri("https://sync.example") }, store, TokenProviders.From(SignIn.GetTokenAsync));

        var result = await sync.PullAsync(new Progress<SyncProgress>(at => Console.WriteLine($"{at.Processed} of {at.Total}")));
        Console.WriteLine(result);

        await foreach (var next in sync.WatchAsync("my app")) Console.WriteLine($"{next.Type} {next.EntityId}");
    }

    public static void Hosting(IHostApplicationBuilder builder, SqliteEventStore store)
    {
        builder.Services.AddSingleton<IEventStore>(store);
        builder.Services.AddSingleton(TokenProviders.From(SignIn.GetTokenAsync));
        builder.Services.AddDequeueSync(builder.Configuration.GetSection("Sync")).AddHandler<TaskList>();
    }

    public static void Typed(SyncEvent next)
    {
        if (next.Type == "task.created")
        {
            var created = next.PayloadAs(AppJson.Default.TaskCreated);
            Console.WriteLine($"{next.EntityId}: {created?.State.Title}");
        }
    }

    public static async Task RefusedAsync(SyncManager sync)
    {
        foreach (var refused in await sync.GetRefusedAsync())
        {
            Console.WriteLine($"{refused.Id}: {refused.Reason}");
            await sync.ForgetRefusedAsync(refused.Number);
        }
    }
}

public static class SignIn
{
    public static Task<string> GetTokenAsync(CancellationToken cancellationToken) => Task.FromResult("a token");
}

public sealed class TaskList : ISyncEventHandler
{
    public ValueTask HandleAsync(SyncEvent next, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}

public sealed record TaskCreated(string TaskId, TaskState State);

public sealed record TaskState(string Title);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TaskCreated))]
public sealed partial class AppJson : JsonSerializerContext;
