using Microsoft.Azure.Functions.Worker.Middleware;

namespace Dequeue.FunctionsHost.TestApp;

/// <summary>The app as its own Program and the tests build it.</summary>
public static class App
{
    public static FunctionsApplicationBuilder CreateBuilder(string[] args, IEnumerable<KeyValuePair<string, string?>>? settings = null)
    {
        var builder = FunctionsApplication.CreateBuilder(args);
        if (settings is not null) builder.Configuration.AddInMemoryCollection(settings);
        if (builder.Configuration["Refuse"] is { } why) throw new SettingException(why);
        if (builder.Configuration["HttpOverGrpc"] is null) builder.ConfigureFunctionsWebApplication();
        builder.UseMiddleware<TraceMiddleware>();
        builder.Services.AddScoped<ScopeProbe>();
        builder.Services.AddSingleton<Signals>();
        builder.Services.AddSingleton<TimerRuns>();
        return builder;
    }
}

/// <summary>A setting is wrong; the message is one sentence.</summary>
public sealed class SettingException(string message) : Exception(message);

/// <summary>One in each scope; remembers that it was disposed of.</summary>
public sealed class ScopeProbe : IDisposable
{
    public Guid Id { get; } = Guid.NewGuid();

    public bool Disposed { get; private set; }

    public void Dispose() => Disposed = true;
}

/// <summary>Marks each invocation, and refuses those that ask for it.</summary>
public sealed class TraceMiddleware : IFunctionsWorkerMiddleware
{
    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        context.Items["traced"] = context.FunctionDefinition.Name;
        if (context.GetHttpContext() is { } http)
        {
            http.Response.Headers["x-invocation-id"] = context.InvocationId;
            if (http.Request.Headers.ContainsKey("x-refuse"))
            {
                http.Response.StatusCode = StatusCodes.Status403Forbidden;
                return;
            }
        }

        await next(context);
    }
}
