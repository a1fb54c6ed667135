namespace Dequeue.Local.Worker;

/// <summary>Marks the <see cref="Microsoft.AspNetCore.Http.HttpRequest"/> parameter of an HTTP function.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class HttpTriggerAttribute : Attribute
{
    /// <summary>Any method, with a function key.</summary>
    public HttpTriggerAttribute()
    {
    }

    /// <summary>The given methods, with a function key.</summary>
    /// <param name="methods">HTTP methods in any letter case.</param>
    public HttpTriggerAttribute(params string[] methods) => Methods = methods;

    /// <summary>Any method.</summary>
    /// <param name="authLevel">What the caller has to show.</param>
    public HttpTriggerAttribute(AuthorizationLevel authLevel) => AuthLevel = authLevel;

    /// <summary>The given methods.</summary>
    /// <param name="authLevel">What the caller has to show.</param>
    /// <param name="methods">HTTP methods in any letter case.</param>
    public HttpTriggerAttribute(AuthorizationLevel authLevel, params string[] methods)
    {
        AuthLevel = authLevel;
        Methods = methods;
    }

    /// <summary>The route template below the route prefix of host.json; the function's name when null.</summary>
    public string? Route { get; set; }

    /// <summary>The methods answered; all of them when null or empty.</summary>
    public string[]? Methods { get; private set; }

    /// <summary>What the caller has to show; a function key unless said otherwise.</summary>
    public AuthorizationLevel AuthLevel { get; private set; } = AuthorizationLevel.Function;
}
