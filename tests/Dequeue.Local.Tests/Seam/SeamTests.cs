using System.Text.RegularExpressions;
using System.Reflection;
using Dequeue.Local.Worker;

namespace Dequeue.Local.Tests.Seam;

/// <summary>
/// The stand-ins have the names and signatures of the official API. official-api.txt is drawn up from that API, not from this
/// code: change it only to add a member that the app has come to use, as the official package declares it.
/// </summary>
public sealed class SeamTests
{
    private static readonly Assembly Local = typeof(FunctionAttribute).Assembly;

    public static TheoryData<string> Namespaces => [.. Sections().Keys];

    [Theory]
    [MemberData(nameof(Namespaces))]
    public void The_stand_ins_are_the_official_types(string space)
    {
        var listed = ApiListing.Of(Local, space).ToList();
        Assert.SkipWhen(listed.Count == 0 && space == "Dequeue.Local.WebPubSub.Service", "This build has no Web PubSub client.");
        Assert.Equal(string.Join('\n', Sections()[space]), string.Join('\n', listed));
    }

    [Fact]
    public void No_file_of_the_functions_names_a_stand_in_or_the_official_namespace()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Dequeue.Functions.sln")))
        {
            root = root.Parent ?? throw new InvalidOperationException("The tests are not in the repository.");
        }

        string[] banned = ["Dequeue.Local", "Microsoft.Azure.Functions", "Microsoft.DurableTask", "Azure.Messaging.WebPubSub", "#if "];
        var files = Directory.GetFiles(Path.Combine(root.FullName, "src", "Dequeue.Functions"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(files);
        Assert.DoesNotContain(
            files, file => File.ReadLines(file).Select(WithoutText).Any(line => banned.Any(word => line.Contains(word, StringComparison.Ordinal))));
    }

    // What stands in a text is the name of a telemetry source at most: the compiler does not bind it.
    private static string WithoutText(string line) => Regex.Replace(line, "\"[^\"]*\"", "\"\"");

    private static Dictionary<string, List<string>> Sections()
    {
        var sections = new Dictionary<string, List<string>>();
        List<string> current = [];
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Seam", "official-api.txt")))
        {
            if (line.StartsWith("namespace ", StringComparison.Ordinal))
            {
                sections.Add(line.Split(' ')[1], current = []);
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                current.Add(line);
            }
        }

        return sections;
    }
}
