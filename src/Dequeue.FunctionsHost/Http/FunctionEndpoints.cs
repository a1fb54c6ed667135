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
        var template = settings.RoutePrefix.Length > 0 ? $"{settings.RoutePrefix}/{trigger.Route}" : trigger.Route;
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
            foreach (var (name, value) in settings.ResponseHeaders) context.Response.Headers[name] = value;
            return calls.HandleAsync(function, context);
        }
    }
}
