using Microsoft.AspNetCore.Http;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>One run of a function, in its own scope of services.</summary>
internal sealed class Invocation(Function function, IServiceProvider services, CancellationToken cancellationToken) : FunctionContext
{
    private string? _id;
    private IDictionary<object, object>? _items;

    public override string InvocationId => _id ??= Guid.NewGuid().ToString();

    public override string FunctionId => function.Id;

    public override IServiceProvider InstanceServices { get; set; } = services;

    public override FunctionDefinition FunctionDefinition => function;

    public override IDictionary<object, object> Items
    {
        get => _items ??= new Dictionary<object, object>();
        set => _items = value;
    }

    public override CancellationToken CancellationToken => cancellationToken;

    public Function Function => function;

    /// <summary>The exchange that invoked the function, for an HTTP trigger.</summary>
    public HttpContext? Http { get; private init; }

    /// <summary>What the trigger gives: the timer's state, the orchestration's context, an activity's input.</summary>
    public object? TriggerValue { get; init; }

    /// <summary>What the function returned.</summary>
    public object? Result { get; set; }

    public static Invocation ForHttp(Function function, HttpContext http)
    {
        var invocation = new Invocation(function, http.RequestServices, http.RequestAborted) { Http = http };
        invocation.Items[FunctionContextExtensions.HttpContextKey] = http;
        return invocation;
    }
}
