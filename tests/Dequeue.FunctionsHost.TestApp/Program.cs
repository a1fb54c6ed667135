using Dequeue.Local.TestApp;

// script PATH [N]: runs the scripted orchestration to its end, and is killed at its n-th point.
if (args is ["script", var path, ..])
{
    Crash.At(args is [_, _, var point] ? int.Parse(point, null) : int.MaxValue);
    var builder = TestApp.CreateBuilder(["--port", "0", "--Durable:Path", path, "--Effects", path + ".effects"]);
    builder.Logging.ClearProviders();
    using var host = builder.Build();
    await host.StartAsync();
    var client = host.Services.GetRequiredService<Dequeue.Local.Durable.Engine.EngineClient>();
    if (await client.GetInstanceAsync("script", CancellationToken.None) is null)
    {
        await client.ScheduleNewOrchestrationInstanceAsync("Script", new StartOrchestrationOptions("script"));
    }

    var done = await client.WaitForInstanceCompletionAsync("script", getInputsAndOutputs: true);
    Console.WriteLine($"{done.RuntimeStatus} {done.SerializedOutput}");
    await host.StopAsync();
    return;
}

await TestApp.CreateBuilder(args).Build().RunAsync();
