namespace Dequeue.Local.Worker;

/// <summary>Marks a public method as a function of the app. Names are unique in the app, letter case apart.</summary>
/// <param name="name">The function's name; the default route of an HTTP function, and what orchestrators call an activity by.</param>
[AttributeUsage(AttributeTargets.Method)]
public class FunctionAttribute(string name) : Attribute
{
    /// <summary>The function's name.</summary>
    public string Name { get; } = name;
}
