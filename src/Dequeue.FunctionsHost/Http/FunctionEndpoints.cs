using Dequeue.FunctionsHost.Rpc;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;

namespace Dequeue.FunctionsHost.Http;

/// <summary>The routes of an app's HTTP functions; none until its worker has told them.</summary>
internal sealed class FunctionEndpoints : EndpointDataSource, IDisposable
{
    private readonly CancellationTokenSource _changed = new();
    private IReadOnlyList<Endpoint> _endpoints = [];

    /// <inheritdoc/>
    public override IReadOnlyList<Endpoint> Endpoints => _endpoints;

    /// <inheritdoc/>
    public override IChangeToken GetChangeToken() => _changed.IsCancellationRequested ? NullChangeToken.Singleton : new CancellationChangeToken(_changed.Token);

    /// <summary>Lets the functions answer. Called once.</summary>
    /// <exception cref="FunctionsHostException">A route is malformed.</exception>
    public void Load(IEnumerable<FunctionDefinition> functions, HttpFunctions calls, HostSettings settings)
    {
        _endpoints = [.. functions.Where(function => function.Trigger is Trigger.Http).Select(function => Endpoint(function, calls, settings))];
        _changed.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose() => _changed.Dispose();

    private static Endpoint Endpoint(FunctionDefinition function, HttpFunctions calls, HostSettings settings)
    {
        calls.CheckKey(function);
        var trigger = (Trigger.Http)function.Trigger;
        var (prefix, route) = (settings.RoutePrefix.Trim('/'), trigger.Route.TrimStart('/'));
        var template = prefix.Length > 0 ? $"{prefix}/{route}" : route;
        RoutePattern pattern;
        try
        {
            pattern = RoutePatternFactory.Parse(template);
        }
        catch (RoutePatternException failure)
        {
            throw new FunctionsHostException($"Function '{function.Name}': the route '{template}' is not valid: {failure.Message}", failure);
        }

        var endpoint = new RouteEndpointBuilder(Answer, pattern, order: 0) { DisplayName = function.Name };
        if (trigger.Methods.Count > 0) endpoint.Metadata.Add(new HttpMethodMetadata(trigger.Methods));
        return endpoint.Build();

        Task Answer(HttpContext context)
        {
            // Last of all: not added to the function's own, and there on failures too.
            if (settings.ResponseHeaders.Count > 0) context.Response.OnStarting(AddHeaders, context.Response);
            return calls.HandleAsync(function, context);
        }

        Task AddHeaders(object response)
        {
            foreach (var (name, value) in settings.ResponseHeaders) ((HttpResponse)response).Headers[name] = value;
            return Task.CompletedTask;
        }
    }
}
