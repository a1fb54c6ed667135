using System.Text.Json;

namespace Dequeue.Local.Durable.Engine;

/// <summary>Inputs, results and events as the JSON text that is stored.</summary>
internal sealed class Payload(JsonSerializerOptions options)
{
    /// <summary>
    /// The longest text stored, in UTF-16 units. The Durable Task Scheduler refuses more than 1 MiB; Azure Storage puts
    /// more than 45 KB into blobs, which is slow.
    /// </summary>
    public const int MaxLength = 1024 * 1024;

    /// <summary>The longest custom status: 16 KB of UTF-16.</summary>
    public const int MaxCustomStatusLength = 8 * 1024;

    public JsonSerializerOptions Options => options;

    /// <exception cref="InvalidOperationException">The text would be longer than <paramref name="limit"/>.</exception>
    public string? Write(object? value, string what, int limit = MaxLength)
    {
        if (value is null)
        {
            return null;
        }

        var text = JsonSerializer.Serialize(value, value.GetType(), options);
        return text.Length <= limit
            ? text
            : throw new InvalidOperationException($"{what} is {text.Length:N0} characters of JSON; durable history takes at most {limit:N0}.");
    }

    public T? Read<T>(string? text) => text is null ? default : JsonSerializer.Deserialize<T>(text, options);

    public object? Read(string? text, Type type)
    {
        if (text is not null)
        {
            return JsonSerializer.Deserialize(text, type, options);
        }

        return type.IsValueType ? Activator.CreateInstance(type) : null;
    }
}
