using System.Linq.Expressions;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>Compiles a method of any signature into one delegate, so that no invocation pays for reflection.</summary>
internal static class MethodCall
{
    public static Func<IServiceProvider, object?[], ValueTask<object?>> Compile(MethodInfo method)
    {
        var target = Expression.Parameter(typeof(object), "target");
        var arguments = Expression.Parameter(typeof(object?[]), "arguments");
        var call = Expression.Call(
            method.IsStatic ? null : Expression.Convert(target, method.DeclaringType!),
            method,
            method.GetParameters().Select((parameter, index) =>
                Expression.Convert(Expression.ArrayIndex(arguments, Expression.Constant(index)), parameter.ParameterType)));
        var outcome = Expression.Lambda<Func<object?, object?[], ValueTask<object?>>>(Await(call), target, arguments).Compile();
        if (method.IsStatic)
        {
            return (_, values) => outcome(null, values);
        }

        var create = ActivatorUtilities.CreateFactory(method.DeclaringType!, Type.EmptyTypes);
        return (services, values) => outcome(create(services, null), values);
    }

    /// <summary>The type that a method gives once awaited; void for none.</summary>
    public static Type ResultOf(MethodInfo method)
    {
        var type = method.ReturnType;
        if (type == typeof(Task) || type == typeof(ValueTask))
        {
            return typeof(void);
        }

        return IsTaskOf(type) ? type.GetGenericArguments()[0] : type;
    }

    private static bool IsTaskOf(Type type) => type.IsGenericType
        && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>));

    private static Expression Await(MethodCallExpression call)
    {
        if (call.Type == typeof(void))
        {
            return Expression.Block(call, Expression.Default(typeof(ValueTask<object?>)));
        }

        if (call.Type == typeof(Task) || call.Type == typeof(ValueTask) || IsTaskOf(call.Type))
        {
            var adapter = typeof(MethodCall).GetMethods(BindingFlags.Static | BindingFlags.NonPublic).Single(method =>
                method.Name == nameof(FinishAsync) && Matches(method.GetParameters()[0].ParameterType, call.Type));
            return Expression.Call(call.Type.IsGenericType ? adapter.MakeGenericMethod(call.Type.GetGenericArguments()) : adapter, call);
        }

        return Expression.New(
            typeof(ValueTask<object?>).GetConstructor([typeof(object)])!, Expression.Convert(call, typeof(object)));
    }

    private static bool Matches(Type parameter, Type type) => parameter == type
        || (parameter.IsGenericType && type.IsGenericType && parameter.GetGenericTypeDefinition() == type.GetGenericTypeDefinition());

    private static async ValueTask<object?> FinishAsync(Task task)
    {
        await task;
        return null;
    }

    private static async ValueTask<object?> FinishAsync(ValueTask task)
    {
        await task;
        return null;
    }

    private static async ValueTask<object?> FinishAsync<T>(Task<T> task) => await task;

    private static async ValueTask<object?> FinishAsync<T>(ValueTask<T> task) => await task;
}
