using System.Diagnostics.CodeAnalysis;

namespace Dequeue.WebPubSub.Filters;

/// <summary>What a filter can see of a connection.</summary>
internal sealed record FilterSubject(string? UserId, string ConnectionId, string[] Groups);

/// <summary>A filter over connections in the OData subset of Web PubSub, such as <c>userId eq null and 'g' in groups</c>.</summary>
internal sealed class ConnectionFilter
{
    private readonly Func<FilterSubject, object?> _condition;

    private ConnectionFilter(Func<FilterSubject, object?> condition) => _condition = condition;

    /// <summary>Reads a filter.</summary>
    /// <returns>False with a sentence when it is malformed, of wrong types or too large.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ConnectionFilter? filter, [NotNullWhen(false)] out string? error)
    {
        try
        {
            filter = new ConnectionFilter(new FilterParser(text).ParseCondition());
            error = null;
            return true;
        }
        catch (FormatException exception)
        {
            filter = null;
            error = exception.Message;
            return false;
        }
    }

    /// <summary>True when the connection is meant. A condition on a missing user that is neither true nor false counts as false.</summary>
    public bool Matches(FilterSubject subject) => _condition(subject) is true;
}
