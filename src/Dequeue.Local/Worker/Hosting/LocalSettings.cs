using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>local.settings.json, which Core Tools turns into environment variables that do not replace existing ones.</summary>
internal static class LocalSettings
{
    private const string FileName = "local.settings.json";

    /// <summary>Puts the file's <c>Values</c> and <c>Host</c> below the environment. The current directory's file is taken, else the app's.</summary>
    public static void AddTo(ConfigurationManager configuration, string appFolder)
    {
        var path = new[] { Environment.CurrentDirectory, appFolder }.Select(folder => Path.Combine(folder, FileName)).FirstOrDefault(File.Exists);
        if (path is null)
        {
            return;
        }

        var sources = ((IConfigurationBuilder)configuration).Sources;
        var environment = sources.OfType<EnvironmentVariablesConfigurationSource>().LastOrDefault();
        var index = environment is null ? sources.Count : sources.IndexOf(environment);
        sources.Insert(index, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = Read(path) });
    }

    private static Dictionary<string, string?> Read(string path)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        try
        {
            using var json = JsonDocument.Parse(
                File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (json.RootElement.TryGetProperty("IsEncrypted", out var encrypted) && encrypted.ValueKind == JsonValueKind.True)
            {
                throw new InvalidOperationException($"{path} is encrypted: run 'func settings decrypt' first.");
            }

            Copy(json.RootElement, "Values", "");
            Copy(json.RootElement, "Host", "Host:");
        }
        catch (JsonException exception)
        {
            throw new InvalidOperationException($"{path} is not valid JSON: {exception.Message}");
        }

        return settings;

        void Copy(JsonElement root, string section, string prefix)
        {
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(section, out var values) || values.ValueKind != JsonValueKind.Object)
            {
                return;
            }

            foreach (var value in values.EnumerateObject())
            {
                settings[prefix + value.Name.Replace("__", ":", StringComparison.Ordinal)] = value.Value.ToString();
            }
        }
    }
}
