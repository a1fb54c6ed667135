using System.Net;
using Dequeue.FunctionsHost.Durable;
using Dequeue.FunctionsHost.Rpc;
using Dequeue.FunctionsHost.Rpc.Messages;
using Dequeue.FunctionsHost.Workers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Dequeue.FunctionsHost.Http;

/// <summary>
/// Calls HTTP functions: the worker is told of the call over its stream, and gets the request itself over HTTP, bodies streaming
/// both ways. The two meet there by the invocation id.
/// </summary>
internal sealed partial class HttpFunctions : IDisposable
{
    /// <summary>The header that carries the invocation id.</summary>
    public const string InvocationIdHeader = "x-ms-invocation-id";

    /// <summary>How long a request waits for a worker that is being started anew.</summary>
    private static readonly TimeSpan WorkerPatience = TimeSpan.FromSeconds(30);

    /// <summary>A body up to this length is sent along with the request; a longer one when the function begins to read it.</summary>
    private const int SentAtOnce = 65_536;

    /// <summary>A worker that dies closes its HTTP connection and its stream one shortly after the other.</summary>
    private static readonly TimeSpan LossPatience = TimeSpan.FromSeconds(1);

    /// <summary>A function may take its time: its own limits apply. An idle connection is given up after this.</summary>
    private static readonly ForwarderRequestConfig Forwarding = new() { ActivityTimeout = TimeSpan.FromMinutes(10) };

    private readonly WorkerSupervisor _workers;
    private readonly IHttpForwarder _forwarder;
    private readonly DurableClientBinding _durableClient;
    private readonly KeyCheck _keys;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        EnableMultipleHttp2Connections = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(15),

        // The worker's web server always says whether it wants the body: when the function reads it, or answers.
        Expect100ContinueTimeout = Timeout.InfiniteTimeSpan,
    });

    public HttpFunctions(WorkerSupervisor workers, IHttpForwarder forwarder, DurableClientBinding durableClient, KeyCheck keys, ILogger logger)
        => (_workers, _forwarder, _durableClient, _keys, _logger) = (workers, forwarder, durableClient, keys, logger);

    /// <summary>Warns of a function that nobody can call.</summary>
    public void CheckKey(FunctionDefinition function)
    {
        if (function.Trigger is Trigger.Http { IsAnonymous: false } && !_keys.HasKey) LogNoKey(function.Name, KeyCheck.Setting);
    }

    /// <summary>Answers a request by a function.</summary>
    public async Task HandleAsync(FunctionDefinition function, HttpContext context)
    {
        var trigger = (Trigger.Http)function.Trigger;
        if (!trigger.IsAnonymous && !_keys.Allows(context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (context.Request.ContentLength > context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize)
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        try
        {
            var worker = await _workers.GetAsync(context.RequestAborted).WaitAsync(WorkerPatience, context.RequestAborted);
            await CallAsync(worker, function, context);
        }
        catch (Exception failure) when (failure is WorkerLostException or TimeoutException)
        {
            LogNoWorker(function.Name);
            Fail(context, StatusCodes.Status503ServiceUnavailable);
        }
        catch (OperationCanceledException)
        {
            // The host stops; or nobody is there to be answered.
            if (!context.RequestAborted.IsCancellationRequested) Fail(context, StatusCodes.Status503ServiceUnavailable);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task CallAsync(WorkerChannel worker, FunctionDefinition function, HttpContext context)
    {
        if (worker.HttpUri is not { } destination)
            throw new InvalidOperationException("The worker took forwarded HTTP when the host started, and takes none any more.");
        var call = Call(function, context);
        var answered = worker.InvokeAsync(call, context.RequestAborted);
        var forwarding = new Forwarded(call.InvocationId, answered);
        var error = await _forwarder.SendAsync(context, destination, _http, Forwarding, forwarding);
        if (context.RequestAborted.IsCancellationRequested) return;

        // A body that did not come: the client has been told, whatever the function makes of it.
        if (error is ForwarderError.RequestBodyClient) return;
        if (error is ForwarderError.Request or ForwarderError.ResponseBodyDestination)
            await worker.Lost.WaitAsync(LossPatience, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (error is not ForwarderError.None && worker.Lost.IsCompleted) throw new WorkerLostException("The worker ended during a call.");

        // What the worker could not be given, it does not answer either.
        if (error is not ForwarderError.None && !answered.IsCompleted) return;
        var answer = await answered;
        if (answer.Result.Status == StatusResult.Types.Status.Success) return;
        LogFailed(function.Name, call.InvocationId, answer.Result.Exception is { } failure ? $"{failure.Type}: {failure.Message}\n{failure.StackTrace}" : answer.Result.Result);
        Fail(context, StatusCodes.Status500InternalServerError);
    }

    private InvocationRequest Call(FunctionDefinition function, HttpContext context)
    {
        var call = function.Call(new TypedData { Http = new RpcHttp() }, _durableClient);
        if (call.TraceContext.TraceParent.Length == 0)
        {
            call.TraceContext.TraceParent = context.Request.Headers.TraceParent.ToString();
            call.TraceContext.TraceState = context.Request.Headers.TraceState.ToString();
        }

        foreach (var (name, value) in context.Request.RouteValues)
        {
            if (value is string text) call.TriggerMetadata[name] = new TypedData { String = text };
        }

        return call;
    }

    /// <summary>An error without a word of what is inside, if there is still an answer to be given; else the connection is cut.</summary>
    private static void Fail(HttpContext context, int status)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Clear();
        context.Response.StatusCode = status;
        if (status == StatusCodes.Status503ServiceUnavailable) context.Response.Headers.RetryAfter = "1";
    }

    [LoggerMessage(1001, LogLevel.Error, "Function {Function} failed (invocation {InvocationId}): {Failure}")]
    private partial void LogFailed(string function, string invocationId, string failure);

    [LoggerMessage(1002, LogLevel.Warning, "Function {Function} was called while no worker runs.")]
    private partial void LogNoWorker(string function);

    [LoggerMessage(1003, LogLevel.Warning, "Function {Function} needs a key, and the setting {Setting} holds none: it answers 401.")]
    private partial void LogNoKey(string function, string setting);

    /// <summary>The request as it goes to the worker, and the answer as it goes back.</summary>
    private sealed class Forwarded(string invocationId, Task<InvocationResponse> answered) : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.Headers.Host = httpContext.Request.Host.Value;
            proxyRequest.Headers.Remove(InvocationIdHeader);
            proxyRequest.Headers.TryAddWithoutValidation(InvocationIdHeader, invocationId);

            // A function that refuses a body without reading it is heard by a client that still sends.
            if (proxyRequest.Content is not null && httpContext.Request.ContentLength is null or > SentAtOnce) proxyRequest.Headers.ExpectContinue = true;
        }

        // When a function fails, the worker's own web server answers 200 with nothing in it. So an empty 200 is held back until
        // the worker has said what became of the function.
        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            if (proxyResponse is { StatusCode: HttpStatusCode.OK, Content.Headers.ContentLength: 0 }
                && (await answered).Result.Status != StatusResult.Types.Status.Success)
            {
                return false;
            }

            var passOn = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);

            // A forwarder drops Upgrade as a header of one connection; in a 426 it is the answer (RFC 9110, 15.5.22).
            if (proxyResponse is { StatusCode: HttpStatusCode.UpgradeRequired, Headers.Upgrade: { Count: > 0 } protocols })
                httpContext.Response.Headers.Upgrade = protocols.ToString();
            return passOn;
        }
    }
}
