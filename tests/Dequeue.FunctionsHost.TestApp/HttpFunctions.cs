using Microsoft.AspNetCore.Mvc;

namespace Dequeue.FunctionsHost.TestApp;

public sealed partial class HttpFunctions(ScopeProbe probe, IConfiguration configuration, Signals signals, ILogger<HttpFunctions> logger)
{
    [Function("Hello")]
    public static IResult Hello([HttpTrigger(AuthorizationLevel.Anonymous, "get", "post", Route = "hello/{name?}")] HttpRequest request, string? name)
        => Results.Text($"{request.Method} {name ?? "nobody"}");

    [Function("Typed")]
    public static IResult Typed(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "typed/{id:guid}/{count:int}/{*rest}")] HttpRequest request,
        Guid id, int count, string rest) => Results.Json(new { id, count, rest });

    [Function("Action")]
    public static Task<IActionResult> Action([HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = "action")] HttpRequest request)
        => Task.FromResult<IActionResult>(new ObjectResult(new { method = request.Method }) { StatusCode = 201 });

    /// <summary>All methods, and the route that a function has by itself: its name.</summary>
    [Function("Plain")]
    public static IResult Plain([HttpTrigger(AuthorizationLevel.Anonymous)] HttpRequest request, FunctionContext context)
        => Results.Text($"{request.Method} {context.FunctionDefinition.Name} {context.Items["traced"]}");

    [Function("Scoped")]
    public IResult Scoped([HttpTrigger(AuthorizationLevel.Anonymous, Route = "scoped")] HttpRequest request, FunctionContext context)
    {
        var same = context.InstanceServices.GetRequiredService<ScopeProbe>();
        return Results.Text($"{probe.Id == same.Id} {probe.Disposed} {probe.Id}");
    }

    [Function("Locked")]
    public static IResult Locked([HttpTrigger("get", Route = "locked")] HttpRequest request) => Results.Text("open");

    [Function("Fails")]
    public static IResult Fails([HttpTrigger(AuthorizationLevel.Anonymous, Route = "fails/{created?}")] HttpRequest request, string? created)
    {
        if (created is not null) request.HttpContext.Response.StatusCode = StatusCodes.Status201Created;
        throw new InvalidOperationException("a secret of the inside");
    }

    /// <summary>Fails after its answer has begun.</summary>
    [Function("FailsLate")]
    public static async Task<IResult> FailsLate([HttpTrigger(AuthorizationLevel.Anonymous, Route = "failslate")] HttpRequest request)
    {
        await request.HttpContext.Response.WriteAsync("begun");
        await request.HttpContext.Response.Body.FlushAsync();
        throw new InvalidOperationException("a secret of the inside");
    }

    [Function("Nothing")]
    public static void Nothing([HttpTrigger(AuthorizationLevel.Anonymous, Route = "nothing")] HttpRequest request)
        => request.HttpContext.Response.StatusCode = StatusCodes.Status200OK;

    [Function("Setting")]
    public IResult Setting([HttpTrigger(AuthorizationLevel.Anonymous, Route = "setting/{name}")] HttpRequest request, string name)
        => Results.Text(configuration[name] ?? "(none)");

    [Function("Number")]
    public static IResult Number([HttpTrigger(AuthorizationLevel.Anonymous, Route = "number/{value?}")] HttpRequest request, int? value)
        => Results.Text($"{value ?? -1}");

    /// <summary>What the function sees of a request.</summary>
    [Function("Seen")]
    public static IResult Seen([HttpTrigger(AuthorizationLevel.Anonymous, Route = "seen")] HttpRequest request)
        => Results.Text($"{request.Host} {request.QueryString} {request.Headers["x-given"]}");

    [Function("ProcessId")]
    public static IResult ProcessId([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "pid")] HttpRequest request)
        => Results.Text($"{Environment.ProcessId}");

    [Function("Log")]
    public IResult Log([HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "log/{level}")] HttpRequest request, string level)
    {
        var parsed = Enum.Parse<LogLevel>(level, ignoreCase: true);
        var failure = parsed == LogLevel.Error ? new IOException("the disk") : null;
        Told(parsed, failure, level);
        return Results.Text("");
    }

    /// <summary>Answers when it has happened.</summary>
    [Function("Await")]
    public async Task<IResult> Await([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "signals/{name}")] HttpRequest request, string name)
    {
        await signals.Of(name).WaitAsync(request.HttpContext.RequestAborted);
        return Results.Text(name);
    }

    [Function("Give")]
    public IResult Give([HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "signals/{name}")] HttpRequest request, string name)
    {
        signals.Give(name);
        return Results.Text(name);
    }

    /// <summary>Waits for <c>NAME.open</c>; says <c>NAME.entered</c> and <c>NAME.cancelled</c>.</summary>
    [Function("Slow")]
    public async Task<IResult> Slow(
        [HttpTrigger(AuthorizationLevel.Anonymous, Route = "slow/{name}")] HttpRequest request, string name, CancellationToken cancellationToken)
    {
        signals.Give($"{name}.entered");
        try
        {
            await signals.Of($"{name}.open").WaitAsync(cancellationToken);
            return Results.Text("done");
        }
        catch (OperationCanceledException)
        {
            signals.Give($"{name}.cancelled");
            throw;
        }
    }

    /// <summary>Reads its body; says <c>NAME.first</c> when it has seen some of it, and how long it was.</summary>
    [Function("Upload")]
    public async Task<IResult> Upload([HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "upload/{name}")] HttpRequest request, string name)
    {
        var buffer = new byte[65536];
        var length = 0L;
        for (int read; (read = await request.Body.ReadAsync(buffer)) > 0; length += read) signals.Give($"{name}.first");
        return Results.Text($"{length}");
    }

    /// <summary>Refuses bodies that say to be longer than allowed, without reading them.</summary>
    [Function("Brief")]
    public static IResult Brief([HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "brief")] HttpRequest request)
        => request.ContentLength > 1000 ? Results.StatusCode(StatusCodes.Status413PayloadTooLarge) : Results.Text("read");

    /// <summary>Sends a line, waits for <c>NAME.open</c>, sends another.</summary>
    [Function("Download")]
    public async Task Download([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "download/{name}")] HttpRequest request, string name)
    {
        var response = request.HttpContext.Response;
        await response.WriteAsync("first\n");
        await response.Body.FlushAsync();
        await signals.Of($"{name}.open").WaitAsync(request.HttpContext.RequestAborted);
        await response.WriteAsync("last\n");
    }

    [LoggerMessage(EventId = 77, Message = "told at {Text}")]
    private partial void Told(LogLevel level, Exception? failure, string text);
}
