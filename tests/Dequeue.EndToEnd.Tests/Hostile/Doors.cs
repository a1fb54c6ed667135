using System.Reflection;
using Dequeue.Functions;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>Who may go through an endpoint.</summary>
internal enum DoorKind
{
    /// <summary>Anyone: it has nothing of anybody.</summary>
    Public,

    /// <summary>A user with a token, to its own log.</summary>
    User,

    /// <summary>Our Web PubSub.</summary>
    WebPubSub,

    /// <summary>Who looks after the server; nobody while no operator's token is set.</summary>
    Operator,
}

/// <summary>The HTTP endpoints of the deployed assembly, as it declares them.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="Method">The HTTP method, the first of them.</param>
/// <param name="Route">The route.</param>
internal sealed record Door(string Name, HttpMethod Method, string Route)
{
    /// <summary>What each endpoint is. One that is not here fails <see cref="MatrixTests"/>.</summary>
    public static readonly IReadOnlyDictionary<string, DoorKind> Kinds = new Dictionary<string, DoorKind>
    {
        ["Health"] = DoorKind.Public, ["Page"] = DoorKind.Public, ["PageFile"] = DoorKind.Public, ["PageClientFile"] = DoorKind.Public,
        ["OpenApi"] = DoorKind.Public, ["AsyncApi"] = DoorKind.Public,
        ["StreamNeedsUpgrade"] = DoorKind.Public, ["LiveNeedsUpgrade"] = DoorKind.Public,
        ["Preflight"] = DoorKind.Public, ["PreflightForDefaultApp"] = DoorKind.Public,
        ["Push"] = DoorKind.User, ["PushToDefaultApp"] = DoorKind.User, ["Pull"] = DoorKind.User, ["PullFromDefaultApp"] = DoorKind.User, ["Events"] = DoorKind.User,
        ["Meta"] = DoorKind.User, ["Negotiate"] = DoorKind.User, ["NegotiateForDefaultApp"] = DoorKind.User, ["NegotiateLive"] = DoorKind.User,
        ["Digests"] = DoorKind.User, ["DigestsOfDefaultApp"] = DoorKind.User,
        ["WebPubSubEvents"] = DoorKind.WebPubSub, ["Metrics"] = DoorKind.Operator,
    };

    /// <summary>Every endpoint that there is.</summary>
    public static IReadOnlyList<Door> All { get; } =
    [
        .. from type in typeof(SyncBackend).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
           let function = method.CustomAttributes.FirstOrDefault(attribute => attribute.AttributeType.Name == "FunctionAttribute")
           where function is not null
           let trigger = method.GetParameters().SelectMany(parameter => parameter.CustomAttributes).FirstOrDefault(attribute => attribute.AttributeType.Name == "HttpTriggerAttribute")
           where trigger is not null
           let methods = trigger.ConstructorArguments.Select(argument => argument.Value).OfType<IReadOnlyCollection<CustomAttributeTypedArgument>>().First()
           let route = trigger.NamedArguments.First(argument => argument.MemberName == "Route").TypedValue.Value
           select new Door((string)function.ConstructorArguments[0].Value!, HttpMethod.Parse((string)methods.First().Value!), (string)route),
    ];

    /// <summary>Its path for an app.</summary>
    public string Path(string app) => "/" + Route.Replace("{appId}", app, StringComparison.Ordinal);
}
