using System.Globalization;
using System.Reflection;
using Dequeue.Local.Durable;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>Chooses, once at the start, where each parameter of a function comes from.</summary>
internal static class ParameterBinding
{
    /// <summary>A parameter that every kind of function may have; null for any other.</summary>
    public static Func<Invocation, object?>? Common(ParameterInfo parameter)
    {
        if (parameter.ParameterType == typeof(FunctionContext))
        {
            return invocation => invocation;
        }

        if (parameter.ParameterType == typeof(CancellationToken))
        {
            return invocation => invocation.CancellationToken;
        }

        return null;
    }

    /// <summary>A <c>[DurableClient]</c> parameter; null for any other.</summary>
    public static Func<Invocation, object?>? DurableClient(ParameterInfo parameter) =>
        parameter.IsDefined(typeof(DurableClientAttribute)) && parameter.ParameterType == typeof(DurableTaskClient)
            ? DurableFunctions.ClientOf
            : null;

    /// <summary>A route value by the parameter's name; null if the route has none, or its type cannot be made from text.</summary>
    public static Func<Invocation, object?>? RouteValue(ParameterInfo parameter, RoutePattern route)
    {
        if (route.GetParameter(parameter.Name!) is not { } part || Parser(parameter.ParameterType) is not { } parse)
        {
            return null;
        }

        var name = part.Name;
        var missing = parameter.HasDefaultValue ? parameter.DefaultValue : Default(parameter.ParameterType);
        return invocation => invocation.Http!.GetRouteValue(name) switch
        {
            null => missing,
            string text => parse(text),
            var value => parse(Convert.ToString(value, CultureInfo.InvariantCulture)!),
        };
    }

    private static object? Default(Type type) => type.IsValueType ? Activator.CreateInstance(type) : null;

    private static Func<string, object?>? Parser(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
        {
            return static text => text;
        }

        if (type.IsEnum)
        {
            return text => Enum.Parse(type, text, ignoreCase: true);
        }

        var parsable = typeof(IParsable<>);
        return type.GetInterfaces().Any(face => face.IsGenericType && face.GetGenericTypeDefinition() == parsable)
            ? typeof(ParameterBinding).GetMethod(nameof(Parse), BindingFlags.Static | BindingFlags.NonPublic)!
                .MakeGenericMethod(type).CreateDelegate<Func<string, object?>>()
            : null;
    }

    private static object? Parse<T>(string text)
        where T : IParsable<T> => T.Parse(text, CultureInfo.InvariantCulture);
}
