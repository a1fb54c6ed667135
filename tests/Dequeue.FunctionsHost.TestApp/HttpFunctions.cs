using Microsoft.AspNetCore.Mvc;

namespace Dequeue.Local.TestApp;

public sealed class HttpFunctions(ScopeProbe probe, IConfiguration configuration)
{
    [Function("Hello")]
    public static IResult Hello([HttpTrigger(AuthorizationLevel.Anonymous, "get", "post", Route = "hello/{name?}")] HttpRequest request, string? name) =>
        Results.Text($"{request.Method} {name ?? "nobody"}");

    [Function("Typed")]
    public static object Typed(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "typed/{id:guid}/{count:int}/{*rest}")] HttpRequest request,
        Guid id, int count, string rest) => new { id, count, rest };

    [Function("Action")]
    public static Task<IActionResult> Action([HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = "action")] HttpRequest request) =>
        Task.FromResult<IActionResult>(new ObjectResult(new { method = request.Method }) { StatusCode = 201 });

    [Function("Plain")]
    public static ValueTask<PlainAnswer> Plain([HttpTrigger(AuthorizationLevel.Anonymous)] HttpRequest request, FunctionContext context) =>
        ValueTask.FromResult(new PlainAnswer(request.Method, context.FunctionDefinition.Name, context.Items["traced"] as string));

    [Function("Scoped")]
    public IResult Scoped([HttpTrigger(AuthorizationLevel.Anonymous, Route = "scoped")] HttpRequest request, FunctionContext context)
    {
        var same = context.InstanceServices.GetRequiredService<ScopeProbe>();
        return Results.Text($"{probe.Id == same.Id} {probe.Disposed} {probe.Id}");
    }

    [Function("Locked")]
    public static string Locked([HttpTrigger("get", Route = "locked")] HttpRequest request) => "open";

    [Function("Fails")]
    public static IResult Fails([HttpTrigger(AuthorizationLevel.Anonymous, Route = "fails")] HttpRequest request) =>
        throw new InvalidOperationException("a secret of the inside");

    [Function("Setting")]
    public string? Setting([HttpTrigger(AuthorizationLevel.Anonymous, Route = "setting/{name}")] HttpRequest request, string name) =>
        configuration[name] ?? "(none)";

    [Function("Number")]
    public static IResult Number(
        [HttpTrigger(AuthorizationLevel.Anonymous, Route = "number/{value?}")] HttpRequest request, int value = -1) =>
        Results.Text($"{value}");

    [Function("StartChain")]
    public static async Task<IResult> StartChain(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "chain/{name}")] HttpRequest request,
        string name,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellationToken)
    {
        var id = await client.ScheduleNewOrchestrationInstanceAsync("Chain", name, cancellationToken);
        var done = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, cancellationToken);
        return Results.Text(done.SerializedOutput);
    }

    [Function("Slow")]
    public static async Task<IResult> Slow(
        [HttpTrigger(AuthorizationLevel.Anonymous, Route = "slow")] HttpRequest request, FunctionContext context, CancellationToken cancellationToken)
    {
        var gate = context.InstanceServices.GetRequiredService<Gate>();
        gate.Entered.TrySetResult();
        try
        {
            await gate.Open.Task.WaitAsync(cancellationToken);
            return Results.Text("done");
        }
        catch (OperationCanceledException)
        {
            gate.Cancelled.TrySetResult();
            throw;
        }
    }
}

public sealed record PlainAnswer(string Method, string Function, string? Traced);

/// <summary>Lets a test hold an invocation until it says so.</summary>
public sealed class Gate
{
    public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
