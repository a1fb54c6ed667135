using System.Reflection;
using Dequeue.Local.Durable;
using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>Where functions and the durable engine meet.</summary>
internal static class DurableFunctions
{
    public static object? ClientOf(Invocation invocation) => invocation.InstanceServices.GetRequiredService<DurableTaskClient>();

    public static Func<Invocation, object?> ActivityInput(Type type) => invocation => invocation.TriggerValue;

    public static Func<Invocation, object?> OrchestrationInput(Type type) => invocation => null;

    public static Func<Invocation, object?>? InstanceId(ParameterInfo parameter) => null;
}
