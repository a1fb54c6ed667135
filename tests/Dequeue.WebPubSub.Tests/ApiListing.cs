using System.Reflection;
using System.Runtime.CompilerServices;

namespace Dequeue.WebPubSub.Tests;

/// <summary>
/// The public types and members of a namespace as its callers see them: lines of C#, sorted. What only matters to a derived
/// class (virtual, abstract, protected members) is left out, and so is the nullability of type parameters.
/// </summary>
internal static class ApiListing
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool",
        [typeof(int)] = "int", [typeof(long)] = "long", [typeof(double)] = "double",
    };

    public static IEnumerable<string> Of(Assembly assembly, string space) => assembly.GetExportedTypes()
        .Where(type => type.Namespace == space)
        .OrderBy(type => type.Name, StringComparer.Ordinal)
        .SelectMany(type => Members(type).Order(StringComparer.Ordinal).Select(member => "  " + member).Prepend(Header(type)));

    private static string Header(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return "delegate " + Signature(type.GetMethod("Invoke")!, Name(type));
        }

        var isRecord = type.GetMethod("<Clone>$") is not null;
        var kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "readonly struct"
            : (type.IsAbstract && type.IsSealed ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")
                + (isRecord ? "record" : "class");
        var bases = new List<Type>();
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && !type.IsEnum)
        {
            bases.Add(parent);
        }

        if (!type.IsEnum && !isRecord)
        {
            var all = type.GetInterfaces().Where(face => !(type.BaseType?.GetInterfaces().Contains(face) ?? false)).ToList();
            bases.AddRange(all.Where(face => !all.Exists(other => other != face && other.GetInterfaces().Contains(face)))
                .OrderBy(face => face.Name, StringComparer.Ordinal));
        }

        return $"{kind} {Name(type)}{(bases.Count == 0 ? "" : " : " + string.Join(", ", bases.Select(Name)))}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt32(Enum.Parse(type, name), null)}");
        }

        return typeof(Delegate).IsAssignableFrom(type) ? [] : type.GetMembers(Declared).Select(Member).OfType<string>();
    }

    private static string? Member(MemberInfo member) => member switch
    {
        _ when member.IsDefined(typeof(CompilerGeneratedAttribute)) => null,
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        FieldInfo { IsLiteral: true } field => $"const {Name(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}",
        PropertyInfo property => $"{Annotated(property.PropertyType, new NullabilityInfoContext().Create(property))} {property.Name} {{ {Accessors(property)} }}",
        MethodInfo { IsSpecialName: false } method when method.GetBaseDefinition().DeclaringType != typeof(object) =>
            (method.IsStatic ? "static " : "") + Signature(method, method.Name),
        MethodInfo { IsSpecialName: true } method when method.Name.StartsWith("op_", StringComparison.Ordinal) =>
            $"{Name(method.ReturnType)} {method.Name}({Parameters(method)})",
        _ => null,
    };

    private static string Accessors(PropertyInfo property)
    {
        var isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
        return string.Join(' ', new[]
        {
            property.GetMethod is { IsPublic: true } ? "get;" : null,
            property.SetMethod is { IsPublic: true } ? (isInit ? "init;" : "set;") : null,
        }.OfType<string>());
    }

    private static string Signature(MethodInfo method, string name)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
        var self = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        var result = Annotated(method.ReturnType, new NullabilityInfoContext().Create(method.ReturnParameter));
        return $"{result} {name}{generic}({self}{Parameters(method)})";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        (parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "")
        + Annotated(parameter.ParameterType, new NullabilityInfoContext().Create(parameter))
        + " " + parameter.Name
        + (parameter.HasDefaultValue ? " = " + Default(parameter) : "")));

    private static string Default(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        null => parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null",
        bool flag => flag ? "true" : "false",
        var value => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!,
    };

    private static string Annotated(Type type, NullabilityInfo info)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Name(underlying) + "?";
        }

        var text = type.IsArray ? Annotated(type.GetElementType()!, info.ElementType!) + "[]"
            : type.IsGenericType
                ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Zip(info.GenericTypeArguments, Annotated))}>"
                : Name(type);
        return !type.IsValueType && !type.IsGenericParameter && info.ReadState == NullabilityState.Nullable ? text + "?" : text;
    }

    private static string Name(Type type)
    {
        if (Keywords.TryGetValue(type, out var keyword))
        {
            return keyword;
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Name(underlying) + "?";
        }

        return type.IsArray ? Name(type.GetElementType()!) + "[]"
            : type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : type.Name;
    }
}
