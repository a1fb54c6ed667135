using Google.Protobuf;
using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>What an activity has thrown, from what the worker says of a failed call.</summary>
internal static class ActivityFailures
{
    private const string UnknownType = "(unknown)";

    /// <summary>
    /// The durable extension of the worker writes the details, with inner exceptions, as one line of JSON into the message; without it
    /// the message is the type, a colon, and the exception's own message.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="type">The exception's type, if it is known.</param>
    /// <param name="stackTrace">Its stack trace, if it is known.</param>
    public static TaskFailureDetails Read(string message, string? type = null, string? stackTrace = null)
    {
        var line = FirstLine(message);
        if (line.StartsWith('{') && TryRead(line) is { } details)
        {
            return details;
        }

        var plain = new TaskFailureDetails { ErrorType = UnknownType, ErrorMessage = message };
        if (!string.IsNullOrEmpty(stackTrace))
        {
            plain.StackTrace = stackTrace;
        }

        if (!string.IsNullOrEmpty(type))
        {
            plain.ErrorType = type;
        }
        else if (line.IndexOf(": ", StringComparison.Ordinal) is var colon and > 0 && line.AsSpan(0, colon).IndexOfAny(" \t") < 0)
        {
            // A type's name has no blanks; what follows the first line is a stack trace.
            plain.ErrorType = line[..colon];
            plain.ErrorMessage = line[(colon + 2)..];
        }

        return plain;
    }

    private static string FirstLine(string text) =>
        (text.IndexOf('\n', StringComparison.Ordinal) is var end and >= 0 ? text[..end] : text).Trim();

    private static TaskFailureDetails? TryRead(string json)
    {
        try
        {
            return Failure.Read(json) is { ErrorType.Length: > 0 } details ? details : null;
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidJsonException)
        {
            return null;
        }
    }
}
