using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>HTTP functions as ASP.NET Core endpoints.</summary>
internal sealed partial class HttpFunctions(FunctionExecutionDelegate pipeline, KeyCheck keys, ILogger logger)
{
    public void Map(IEndpointRouteBuilder endpoints, IEnumerable<Function> functions)
    {
        foreach (var function in functions)
        {
            if (function.Trigger is not Trigger.Http http)
            {
                continue;
            }

            if (http.Level != AuthorizationLevel.Anonymous && !keys.HasKey)
            {
                LogNoKey(function.Name, KeyCheck.Setting);
            }

            RequestDelegate handle = context => HandleAsync(function, http.Level, context);
            var endpoint = http.Methods.Count == 0
                ? endpoints.Map(http.Route, handle)
                : endpoints.MapMethods(http.Route, http.Methods, handle);
            endpoint.WithDisplayName(function.Name);
        }
    }

    private async Task HandleAsync(Function function, AuthorizationLevel level, HttpContext http)
    {
        if (!keys.Allows(level, http.Request))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        var invocation = Invocation.ForHttp(function, http);
        try
        {
            await pipeline(invocation);
            await WriteAsync(http, invocation.Result);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            LogCallerGone(function.Name);
        }
        catch (Exception exception)
        {
            LogFailed(exception, function.Name, invocation.InvocationId);
            if (http.Response.HasStarted)
            {
                http.Abort();
                return;
            }

            http.Response.Clear();
            http.Response.StatusCode = (exception as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status500InternalServerError;
        }
    }

    private static Task WriteAsync(HttpContext http, object? result) => result switch
    {
        null => Task.CompletedTask,
        IResult outcome => outcome.ExecuteAsync(http),
        IActionResult outcome => outcome.ExecuteResultAsync(new ActionContext(http, http.GetRouteData(), new ActionDescriptor())),
        string text => http.Response.WriteAsync(text, http.RequestAborted),
        _ => http.Response.WriteAsJsonAsync(result, result.GetType(), http.RequestAborted),
    };

    [LoggerMessage(1001, LogLevel.Error, "Function {Function} failed (invocation {InvocationId}).")]
    private partial void LogFailed(Exception exception, string function, string invocationId);

    [LoggerMessage(1002, LogLevel.Debug, "The caller of function {Function} has gone.")]
    private partial void LogCallerGone(string function);

    [LoggerMessage(1003, LogLevel.Warning, "Function {Function} needs a key, and the setting {Setting} holds none: it answers 401.")]
    private partial void LogNoKey(string function, string setting);
}
