using Dequeue.Local.Durable;
using Dequeue.Local.Worker;
using Dequeue.Local.Worker.Hosting;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Local.Tests.Worker;

public sealed class StartUpTests
{
    private static string Refusal(params Type[] types) =>
        Assert.Throws<InvalidOperationException>(() => FunctionCatalog.Find(types, "")).Message.Replace("Dequeue.Local.Tests.Worker.StartUpTests+", "", StringComparison.Ordinal);

    [Fact]
    public void Functions_that_cannot_run_are_refused_in_one_sentence()
    {
        Assert.Equal("Two functions are named 'same': SameName.First and SameName.Second.", Refusal(typeof(SameName)));
        Assert.Equal("Functions 'One' and 'Two' both answer POST /x/{other}.", Refusal(typeof(SameRoute)));
        Assert.Equal("Functions 'All' and 'Get' both answer GET /X.", Refusal(typeof(AllAndGet)));
        Assert.Equal("Function 'Bad' (Unbound.Run): parameter 'what' of type Int32 cannot be bound.", Refusal(typeof(Unbound)));
        Assert.Equal("Function 'Bad' (UnboundType.Run): parameter 'id' of type Object cannot be bound.", Refusal(typeof(UnboundType)));
        Assert.Equal("Function 'Bad' (WrongTrigger.Run): parameter 'body' must be of type HttpRequest.", Refusal(typeof(WrongTrigger)));
        Assert.Equal("Function 'Bad' (NoTrigger.Run) has 0 triggers; it must have one.", Refusal(typeof(NoTrigger)));
        Assert.Equal("Function '1 bad' (BadName.Run): a name is a letter, then up to 127 letters, digits, underscores and hyphens.", Refusal(typeof(BadName)));
        Assert.Equal("Function 'Bad' (Hidden.Run) must be a public method of a public class, and not generic.", Refusal(typeof(Hidden)));
        Assert.StartsWith("Function 'Bad' (BadRoute.Run): the route 'x/{' is not valid: ", Refusal(typeof(BadRoute)), StringComparison.Ordinal);
        Assert.Equal("Function 'Bad' (TwoInputs.Run): parameter 'more' of type String cannot be bound.", Refusal(typeof(TwoInputs)));
        Assert.Equal("Function 'Bad' (ClientInOrchestrator.Run): parameter 'client' of type DurableTaskClient cannot be bound.", Refusal(typeof(ClientInOrchestrator)));
    }

    [Fact]
    public void Routes_that_differ_by_method_constraint_or_text_live_together() =>
        Assert.Equal(4, FunctionCatalog.Find([typeof(Different)], "prefix").Count);

    [Fact]
    public async Task A_schedule_that_is_none_stops_the_start()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => RunningApp.StartAsync(args: ["--HourlySchedule", "every hour"]));
        Assert.Equal("Function 'Hourly': its schedule is not valid: 'every hour' has 2 fields, not 6.", refused.Message);
    }

    [Fact]
    public void A_port_that_is_none_stops_the_start()
    {
        var refused = Assert.Throws<InvalidOperationException>(() => TestApp.TestApp.CreateBuilder(["--port", "70000"]));
        Assert.Equal("The port '70000' is not a number from 0 to 65535.", refused.Message);
    }

    public static class SameName
    {
        [Function("Same")]
        public static void First([TimerTrigger("0 0 * * * *")] TimerInfo timer) => _ = timer;

        [Function("same")]
        public static void Second([TimerTrigger("0 0 * * * *")] TimerInfo timer) => _ = timer;
    }

    public static class SameRoute
    {
        [Function("One")]
        public static string One([HttpTrigger("get", "post", Route = "x/{id}")] HttpRequest request, string id) => request.Method + id;

        [Function("Two")]
        public static string Two([HttpTrigger("POST", Route = "x/{other}")] HttpRequest request, string other) => request.Method + other;
    }

    public static class AllAndGet
    {
        [Function("All")]
        public static string All([HttpTrigger(Route = "x")] HttpRequest request) => request.Method;

        [Function("Get")]
        public static string Get([HttpTrigger("get", Route = "X")] HttpRequest request) => request.Method;
    }

    public static class Unbound
    {
        [Function("Bad")]
        public static string Run([HttpTrigger(Route = "x/{id}")] HttpRequest request, int what) => request.Method + what;
    }

    public static class UnboundType
    {
        [Function("Bad")]
        public static string Run([HttpTrigger(Route = "x/{id}")] HttpRequest request, object id) => request.Method + id;
    }

    public static class WrongTrigger
    {
        [Function("Bad")]
        public static string Run([HttpTrigger] string body) => body;
    }

    public static class NoTrigger
    {
        [Function("Bad")]
        public static string Run(HttpRequest request) => request.Method;
    }

    public static class BadName
    {
        [Function("1 bad")]
        public static string Run([HttpTrigger] HttpRequest request) => request.Method;
    }

    public static class Hidden
    {
        [Function("Bad")]
        internal static string Run([HttpTrigger] HttpRequest request) => request.Method;
    }

    public static class BadRoute
    {
        [Function("Bad")]
        public static string Run([HttpTrigger(Route = "x/{")] HttpRequest request) => request.Method;
    }

    public static class TwoInputs
    {
        [Function("Bad")]
        public static Task Run([OrchestrationTrigger] TaskOrchestrationContext context, string input, string more) =>
            Task.FromResult((context, input, more));
    }

    public static class ClientInOrchestrator
    {
        [Function("Bad")]
        public static Task Run([OrchestrationTrigger] TaskOrchestrationContext context, [DurableClient] DurableTaskClient client) =>
            Task.FromResult((context, client));
    }

    public static class Different
    {
        [Function("A")]
        public static string A([HttpTrigger("get", Route = "x/{id}")] HttpRequest request) => request.Method;

        [Function("B")]
        public static string B([HttpTrigger("post", Route = "x/{id}")] HttpRequest request) => request.Method;

        [Function("C")]
        public static string C([HttpTrigger("get", Route = "x/{id:int}")] HttpRequest request) => request.Method;

        [Function("D")]
        public static string D([HttpTrigger("get", Route = "x/y")] HttpRequest request) => request.Method;
    }
}
