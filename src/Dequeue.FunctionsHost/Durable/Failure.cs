using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>What an exception was, as far as it is kept; stored as the JSON that protobuf has for it.</summary>
internal static class Failure
{
    /// <summary>What is kept of a message that, with its trace, is longer than history takes.</summary>
    private const int KeptOfLongMessage = 64 * 1024;

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    public static TaskFailureDetails Of<TException>(string message)
        where TException : Exception => new() { ErrorType = typeof(TException).FullName, ErrorMessage = message };

    /// <summary>The details of an exception and its inner exceptions.</summary>
    [return: NotNullIfNotNull(nameof(exception))]
    public static TaskFailureDetails? Of(Exception? exception) => exception is null
        ? null
        : new TaskFailureDetails
        {
            ErrorType = exception.GetType().ToString(),
            ErrorMessage = exception.Message,
            StackTrace = exception.StackTrace,
            InnerFailure = Of(exception.InnerException),
        };

    public static string Write(TaskFailureDetails details)
    {
        var text = JsonFormatter.Default.Format(details);
        return text.Length <= Limits.MaxPayload
            ? text
            : JsonFormatter.Default.Format(new TaskFailureDetails
            {
                ErrorType = Cut(details.ErrorType),
                ErrorMessage = Cut(details.ErrorMessage),
                IsNonRetriable = details.IsNonRetriable,
            });
    }

    /// <exception cref="InvalidProtocolBufferException">It is other JSON.</exception>
    /// <exception cref="InvalidJsonException">It is no JSON.</exception>
    public static TaskFailureDetails Read(string json) => Parser.Parse<TaskFailureDetails>(json);

    private static string Cut(string text) => text.Length <= KeptOfLongMessage ? text : text[..KeptOfLongMessage];
}
