using Dequeue.FunctionsHost.TestApp;
using Dequeue.FunctionsHost.Tests.Hosting;
using Dequeue.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dequeue.FunctionsHost.Tests.Workers;

public sealed class InProcessTests
{
    [Fact]
    public async Task Two_workers_run_side_by_side_in_this_process_and_their_services_are_at_hand()
    {
        var (first, second) = (NewWorker("one"), NewWorker("two"));
        await using var one = await RunningHost.StartAsync(options => options with { Worker = first });
        await using var two = await RunningHost.StartAsync(options => options with
        {
            Worker = second,
            Settings = new Dictionary<string, string?>(options.Settings) { ["Section:Key"] = "of two" },
        });

        Assert.Equal($"200 {Environment.ProcessId}", await one.GetAsync("/pid"));
        Assert.Equal($"200 {Environment.ProcessId}", await two.GetAsync("/pid"));
        Assert.Equal("200 nested", await one.GetAsync("/setting/Section:Key"));
        Assert.Equal("200 of two", await two.GetAsync("/setting/Section:Key"));
        Assert.Equal("200 \"xabc\"", await one.PostAsync("/chain/x"));
        Assert.Equal("200 \"yabc\"", await two.PostAsync("/chain/y"));

        await one.PostAsync("/signals/done");
        Assert.True(first.Services.GetRequiredService<Signals>().Of("done").IsCompleted);
        Assert.False(second.Services.GetRequiredService<Signals>().Of("done").IsCompleted);
        Assert.Equal(["one", "two"], new[] { first, second }.Select(worker => worker.Services.GetRequiredService<Replaced>().Name));
    }

    private static InProcessWorker NewWorker(string name)
        => new(typeof(App).Assembly, App.CreateBuilder, builder => builder.Services.AddSingleton(new Replaced(name)));

    private sealed record Replaced(string Name);
}
