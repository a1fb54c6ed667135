using System.Diagnostics.CodeAnalysis;

namespace Dequeue.Local.Durable.Exceptions;

/// <summary>
/// An instance of that id has not ended yet. Stands in for the type of the same name in <c>DurableTask.Core.Exceptions</c>.
/// </summary>
/// <param name="message">One sentence with the id.</param>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "Only the client throws it.")]
public class OrchestrationAlreadyExistsException(string message) : InvalidOperationException(message);
