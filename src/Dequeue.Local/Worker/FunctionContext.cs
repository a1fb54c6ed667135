using Microsoft.AspNetCore.Http;

namespace Dequeue.Local.Worker;

/// <summary>One invocation of a function.</summary>
public abstract class FunctionContext
{
    /// <summary>The invocation's id, different each time.</summary>
    public abstract string InvocationId { get; }

    /// <summary>The function's id, the same as long as the app does not change.</summary>
    public abstract string FunctionId { get; }

    /// <summary>The services of this invocation's scope.</summary>
    public abstract IServiceProvider InstanceServices { get; set; }

    /// <summary>The function that is invoked.</summary>
    public abstract FunctionDefinition FunctionDefinition { get; }

    /// <summary>Where middleware and the function leave things for each other.</summary>
    public abstract IDictionary<object, object> Items { get; set; }

    /// <summary>Cancelled when nobody waits for the outcome any more: the caller has gone, or the host gives up waiting at its end.</summary>
    public virtual CancellationToken CancellationToken { get; } = CancellationToken.None;
}

/// <summary>A function as declared.</summary>
public abstract class FunctionDefinition
{
    /// <summary>The path of the app's assembly.</summary>
    public abstract string PathToAssembly { get; }

    /// <summary>The full name of the method.</summary>
    public abstract string EntryPoint { get; }

    /// <summary>The same as <see cref="FunctionContext.FunctionId"/>.</summary>
    public abstract string Id { get; }

    /// <summary>The function's name.</summary>
    public abstract string Name { get; }
}

/// <summary>HTTP in a <see cref="FunctionContext"/>.</summary>
public static class FunctionContextExtensions
{
    internal const string HttpContextKey = "HttpRequestContext";

    /// <summary>The HTTP exchange that invoked the function; null for any other trigger.</summary>
    public static HttpContext? GetHttpContext(this FunctionContext context) =>
        context.Items.TryGetValue(HttpContextKey, out var value) ? value as HttpContext : null;
}
