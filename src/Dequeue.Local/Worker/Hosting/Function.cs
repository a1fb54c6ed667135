using System.Reflection;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>What invokes a function.</summary>
internal abstract record Trigger
{
    private Trigger()
    {
    }

    public sealed record Http(string Route, IReadOnlyList<string> Methods, AuthorizationLevel Level) : Trigger;

    public sealed record Timer(TimerTriggerAttribute Settings) : Trigger;

    public sealed record Orchestration(string Name) : Trigger;

    public sealed record Activity(string Name) : Trigger;
}

/// <summary>A function of the app: its declaration, and how it is called.</summary>
internal sealed class Function : FunctionDefinition
{
    private readonly IReadOnlyList<Func<Invocation, object?>> _arguments;
    private readonly Lazy<Func<IServiceProvider, object?[], ValueTask<object?>>> _call;

    public Function(string name, MethodInfo method, Trigger trigger, IReadOnlyList<Func<Invocation, object?>> arguments)
    {
        Name = name;
        Method = method;
        Trigger = trigger;
        _arguments = arguments;
        _call = new(() => MethodCall.Compile(method));
        EntryPoint = $"{method.DeclaringType!.FullName}.{method.Name}";
        Id = name.ToUpperInvariant();
    }

    public override string Name { get; }

    public override string Id { get; }

    public override string EntryPoint { get; }

    public override string PathToAssembly => Method.Module.FullyQualifiedName;

    public MethodInfo Method { get; }

    public Trigger Trigger { get; }

    /// <summary>Binds the parameters and calls the method on a new instance of its class.</summary>
    public ValueTask<object?> CallAsync(Invocation invocation)
    {
        var arguments = new object?[_arguments.Count];
        for (var i = 0; i < arguments.Length; i++)
        {
            arguments[i] = _arguments[i](invocation);
        }

        return _call.Value(invocation.InstanceServices, arguments);
    }
}
