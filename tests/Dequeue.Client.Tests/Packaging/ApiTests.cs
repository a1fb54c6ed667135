using System.Reflection;
using System.Text;
using Dequeue.Client.Hosting;
using Dequeue.Client.Sqlite;
using Dequeue.Contracts;

namespace Dequeue.Client.Tests.Packaging;

/// <summary>
/// What the packages offer, member by member, beside this file: a change shows in a diff, and a break is made on purpose or not at all.
/// After a wanted change: <c>UPDATE_API=1</c> writes the listings anew.
/// </summary>
public sealed class ApiTests
{
    [Theory]
    [InlineData(typeof(ErrorCodes))]
    [InlineData(typeof(SyncManager))]
    [InlineData(typeof(SqliteEventStore))]
    [InlineData(typeof(DequeueSyncServices))]
    public async Task The_public_API_is_the_one_that_is_listed(Type anyOf)
    {
        var assembly = anyOf.Assembly;
        var file = Path.Combine(Repository.Root, "tests", "Dequeue.Client.Tests", "Packaging", $"{assembly.GetName().Name}.api.txt");
        var listing = Listing(assembly);
        if (Environment.GetEnvironmentVariable("UPDATE_API") == "1") await File.WriteAllTextAsync(file, listing, TestContext.Current.CancellationToken);

        Assert.Equal(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), listing);
    }

    private static string Listing(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(static type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(type.IsEnum ? "enum " : type.IsInterface ? "interface " : type.IsValueType ? "struct " : "class ").Append(NameOf(type));
            if (type.BaseType is { } parent && parent != typeof(object) && !type.IsValueType) text.Append(" : ").Append(NameOf(parent));
            text.Append('\n');
            const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
            foreach (var line in type.GetMembers(Declared).Select(LineOf).OfType<string>().Order(StringComparer.Ordinal)) text.Append("  ").Append(line).Append('\n');
        }

        return text.ToString();
    }

    private static string? LineOf(MemberInfo member)
        => member switch
        {
            MethodInfo { IsSpecialName: true } => null,
            MethodInfo method => $"{Static(method)}{NameOf(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})",
            ConstructorInfo constructor => $"new({Parameters(constructor)})",
            PropertyInfo property => $"{Static(property.GetMethod ?? property.SetMethod!)}{NameOf(property.PropertyType)} {property.Name} {{ {Accessors(property)}}}",
            FieldInfo { IsSpecialName: true } => null,
            FieldInfo { IsLiteral: true } field => $"const {NameOf(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}",
            FieldInfo field => $"{(field.IsStatic ? "static " : "")}{NameOf(field.FieldType)} {field.Name}",
            EventInfo happening => $"event {NameOf(happening.EventHandlerType!)} {happening.Name}",
            _ => null,
        };

    private static string Static(MethodInfo method) => method.IsStatic ? "static " : "";

    private static string Generics(MethodInfo method)
        => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(NameOf))}>" : "";

    private static string Accessors(PropertyInfo property)
        => (property.GetMethod?.IsPublic == true ? "get; " : "")
            + (property.SetMethod is not { IsPublic: true } set ? ""
                : set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit)) ? "init; " : "set; ");

    private static string Parameters(MethodBase method)
        => string.Join(", ", method.GetParameters().Select(static one => $"{NameOf(one.ParameterType)} {one.Name}{(one.HasDefaultValue ? " = " + (one.DefaultValue ?? "null") : "")}"));

    private static string NameOf(Type type)
        => type.IsGenericParameter ? type.Name
            : type.IsByRef ? $"ref {NameOf(type.GetElementType()!)}"
            : type.IsArray ? $"{NameOf(type.GetElementType()!)}[]"
            : type.IsGenericType ? $"{type.FullName?.Split('`')[0] ?? type.Name}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>"
            : type.FullName ?? type.Name;
}
