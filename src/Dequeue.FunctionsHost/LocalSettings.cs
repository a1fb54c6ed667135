using System.Text.Json;

namespace Dequeue.FunctionsHost;

/// <summary>local.settings.json, whose <c>Values</c> Core Tools turns into environment variables that do not replace existing ones.</summary>
internal static class LocalSettings
{
    private const string FileName = "local.settings.json";

    /// <summary>The file's values: of the current directory's file, else the app's, else none.</summary>
    /// <exception cref="FunctionsHostException">The file is encrypted or malformed.</exception>
    public static IReadOnlyDictionary<string, string> Read(string appFolder)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var path = new[] { Environment.CurrentDirectory, appFolder }.Select(folder => Path.Combine(folder, FileName)).FirstOrDefault(File.Exists);
        if (path is null) return values;
        try
        {
            using var json = JsonDocument.Parse(
                File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (json.RootElement.TryGetProperty("IsEncrypted", out var encrypted) && encrypted.ValueKind == JsonValueKind.True)
                throw new FunctionsHostException($"{path} is encrypted: run 'func settings decrypt' first.");
            if (json.RootElement.TryGetProperty("Values", out var given))
            {
                foreach (var value in given.EnumerateObject()) values[value.Name.Replace(":", "__", StringComparison.Ordinal)] = value.Value.ToString();
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new FunctionsHostException($"{path} is not valid JSON: {failure.Message}", failure);
        }

        return values;
    }
}
