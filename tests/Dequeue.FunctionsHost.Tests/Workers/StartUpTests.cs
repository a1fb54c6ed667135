using Dequeue.FunctionsHost.Rpc;
using Dequeue.FunctionsHost.Rpc.Messages;
using Dequeue.FunctionsHost.Tests.Hosting;

namespace Dequeue.FunctionsHost.Tests.Workers;

public sealed class StartUpTests
{
    [Fact]
    public async Task A_worker_that_refuses_a_setting_is_told_of_in_its_own_sentence()
    {
        var refused = await Assert.ThrowsAsync<FunctionsHostException>(() => StartAsync(("Refuse", "The setting Refuse is set.")));
        Assert.Equal("The setting Refuse is set.", refused.Message);
    }

    [Fact]
    public async Task An_app_that_takes_no_forwarded_HTTP_stops_the_start()
    {
        var refused = await Assert.ThrowsAsync<FunctionsHostException>(() => StartAsync(("HttpOverGrpc", "true")));
        Assert.EndsWith("cannot be forwarded HTTP requests: its app does not call ConfigureFunctionsWebApplication().", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schedule_that_is_none_stops_the_start()
    {
        var refused = await Assert.ThrowsAsync<FunctionsHostException>(() => StartAsync(("HourlySchedule", "every hour")));
        Assert.StartsWith("Function 'Hourly': its schedule 'every hour' is not valid: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task State_that_another_host_uses_stops_the_start()
    {
        await using var host = await RunningHost.StartAsync();
        var refused = await Assert.ThrowsAsync<FunctionsHostException>(() => RunningHost.StartAsync(options => options with { StateFolder = host.StateFolder }));
        Assert.Equal($"The durable store '{Path.Combine(host.StateFolder, "durable.db")}' is in use by another process.", refused.Message);
        Assert.Equal("200 GET x", await host.GetAsync("/hello/x"));
    }

    [Fact]
    public async Task A_folder_that_holds_no_app_stops_the_start()
    {
        var folder = Directory.CreateTempSubdirectory("no-app-").FullName;
        try
        {
            Assert.Equal(
                $"There is no {folder}/host.json: is {folder} the folder of a published functions app?", await RefusalAsync(folder));
            await File.WriteAllTextAsync(Path.Combine(folder, "host.json"), "{", TestContext.Current.CancellationToken);
            Assert.Equal($"{folder}/host.json is not valid JSON.", await RefusalAsync(folder));
            await File.WriteAllTextAsync(
                Path.Combine(folder, "host.json"),
                """{"extensions":{"durableTask":{"maxConcurrentActivityFunctions":"many"}}}""",
                TestContext.Current.CancellationToken);
            Assert.Equal("host.json: extensions.durableTask.maxConcurrentActivityFunctions is 'many', not a number above 0.", await RefusalAsync(folder));
            await File.WriteAllTextAsync(Path.Combine(folder, "host.json"), "{}", TestContext.Current.CancellationToken);
            Assert.Equal(
                $"{folder}/worker.config.json cannot be read: is {folder} the folder of a published isolated worker app?", await RefusalAsync(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Functions_that_this_host_cannot_run_are_refused_in_one_sentence()
    {
        Assert.Equal(
            "Function 'Bad' has a binding of type 'queueTrigger', which this host does not run: it has HTTP, timer and durable ones.",
            Refusal("""{"name":"item","type":"queueTrigger","queueName":"q"}"""));
        Assert.Equal("Function 'Bad' has no trigger.", Refusal("""{"name":"client","type":"durableClient"}"""));
        Assert.Equal(
            "Two functions are named 'bad'.",
            Assert.Throws<FunctionsHostException>(() => FunctionDefinition.RequireDistinct([Read("bad", Http), Read("Bad", Http)])).Message);
    }

    private const string Http = """{"name":"request","type":"httpTrigger","methods":["get"],"authLevel":"Anonymous"}""";

    private static string Refusal(params string[] bindings) => Assert.Throws<FunctionsHostException>(() => Read("Bad", bindings)).Message;

    private static FunctionDefinition Read(string name, params string[] bindings)
        => FunctionDefinition.Read(new RpcFunctionMetadata { Name = name, FunctionId = name, RawBindings = { bindings } });

    private static async Task<string> RefusalAsync(string folder)
        => (await Assert.ThrowsAsync<FunctionsHostException>(() => RunningHost.StartAsync(options => options with { AppFolder = folder }))).Message;

    private static Task<RunningHost> StartAsync(params (string Name, string Value)[] settings)
        => RunningHost.StartAsync(options =>
        {
            var all = new Dictionary<string, string?>(options.Settings);
            foreach (var (name, value) in settings) all[name] = value;
            return options with { Settings = all };
        });
}
