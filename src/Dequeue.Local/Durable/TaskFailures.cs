using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Dequeue.Local.Durable;

/// <summary>What an exception was, as far as it is kept in history.</summary>
/// <param name="ErrorType">The full name of the exception's type.</param>
/// <param name="ErrorMessage">Its message.</param>
/// <param name="StackTrace">Its stack trace.</param>
/// <param name="InnerFailure">Its inner exception.</param>
/// <param name="Properties">Further facts; always null here.</param>
public record TaskFailureDetails(
    string ErrorType,
    string ErrorMessage,
    string? StackTrace,
    TaskFailureDetails? InnerFailure,
    IDictionary<string, object?>? Properties)
{
    /// <summary>The type and message.</summary>
    public override string ToString() => $"{ErrorType}: {ErrorMessage}";

    /// <summary>Whether the exception was a <typeparamref name="T"/>, or derived from it. False when its type is unknown here.</summary>
    public bool IsCausedBy<T>()
        where T : Exception => IsCausedBy(typeof(T));

    /// <summary>Whether the exception was of a type, or derived from it. False when its type is unknown here.</summary>
    /// <param name="targetBaseExceptionType">A type of exceptions.</param>
    public bool IsCausedBy(Type targetBaseExceptionType)
    {
        ArgumentNullException.ThrowIfNull(targetBaseExceptionType);
        if (!typeof(Exception).IsAssignableFrom(targetBaseExceptionType))
        {
            throw new ArgumentException($"The type {targetBaseExceptionType} is not an exception type.", nameof(targetBaseExceptionType));
        }

        return FindType(targetBaseExceptionType.Assembly) is { } type && targetBaseExceptionType.IsAssignableFrom(type);
    }

    /// <summary>The details of an exception and its inner exceptions.</summary>
    public static TaskFailureDetails FromException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return FromChain(exception);
    }

    [return: NotNullIfNotNull(nameof(exception))]
    private static TaskFailureDetails? FromChain(Exception? exception) => exception is null
        ? null
        : new TaskFailureDetails(
            exception.GetType().ToString(), exception.Message, exception.StackTrace, FromChain(exception.InnerException), null);

    private Type? FindType(Assembly first) =>
        Type.GetType(ErrorType, throwOnError: false)
        ?? first.GetType(ErrorType, throwOnError: false)
        ?? AppDomain.CurrentDomain.GetAssemblies()
            .Select(assembly => assembly.GetType(ErrorType, throwOnError: false))
            .FirstOrDefault(type => type is not null);
}

/// <summary>An activity has failed, after its retries.</summary>
[SuppressMessage("Design", "CA1032:Implement standard exception constructors", Justification = "The official type has these.")]
public sealed class TaskFailedException : Exception
{
    /// <summary>A failure known by its details.</summary>
    /// <param name="taskName">The activity's name.</param>
    /// <param name="taskId">Its number in the orchestration.</param>
    /// <param name="failureDetails">What its exception was.</param>
    public TaskFailedException(string taskName, int taskId, TaskFailureDetails failureDetails)
        : base($"Task '{taskName}' (#{taskId}) failed with an unhandled exception: {failureDetails.ErrorMessage}")
    {
        TaskName = taskName;
        TaskId = taskId;
        FailureDetails = failureDetails;
    }

    /// <summary>The activity's name.</summary>
    public string TaskName { get; }

    /// <summary>Its number in the orchestration, from 0.</summary>
    public int TaskId { get; }

    /// <summary>What its exception was.</summary>
    public TaskFailureDetails FailureDetails { get; }
}
