using System.Text.RegularExpressions;
using Dequeue.Client.Tests.Packaging;

namespace Dequeue.Client.Tests.Samples;

/// <summary>Code in a document is code that compiles: each C# block stands in a sample, word for word.</summary>
public sealed partial class SnippetTests
{
    public static TheoryData<string> Documents
        => [
            "README.md", "docs/connecting.md", "docs/an-event.md", "docs/first-app.md", "src/Dequeue.Client/README.md", "src/Dequeue.Client.Hosting/README.md",
        ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Each_piece_of_code_is_in_a_sample_that_is_compiled(string document)
    {
        var samples = Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(static file => Dense(File.ReadAllText(file))).ToList();
        var blocks = CSharp().Matches(File.ReadAllText(Path.Combine(Repository.Root, document))).Select(static match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.True(samples.Exists(sample => sample.Contains(Dense(block), StringComparison.Ordinal)), block));
    }

    // Indentation differs: a sample stands in a class.
    private static string Dense(string code) => string.Join('\n', code.Split('\n').Select(static line => line.Trim()).Where(static line => line.Length > 0));

    [GeneratedRegex("^```csharp\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharp();
}
