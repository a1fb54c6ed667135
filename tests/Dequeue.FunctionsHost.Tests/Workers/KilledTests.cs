using Dequeue.FunctionsHost.Tests.Hosting;

namespace Dequeue.FunctionsHost.Tests.Workers;

/// <summary>
/// The scripted orchestration has points in its code and before and after the effect of each activity. Host and worker are killed
/// there, and the next ones must come to the same outcome.
/// </summary>
public sealed class KilledTests
{
    /// <summary>The status and the outcome of the script, whoever was killed.</summary>
    public const string Outcome = "200 " + Ended;

    private const string Ended =
        """Completed {"Steps":["first1","answer1","both1.1","both1.2","again1","first2","answer2","both2.1","both2.2","again2"]}""";

    /// <summary>The script reaches some 34 points. Every fifth is tried: a host and a worker are started for each.</summary>
    private const int Stride = 5, Last = 31;

    [Fact]
    public async Task Killed_at_any_point_an_orchestration_comes_to_the_same_outcome()
    {
        var state = Directory.CreateTempSubdirectory("killed-");
        try
        {
            var host = await HostProcess.StartAsync(state.FullName);
            try
            {
                for (var point = 1; point <= Last; point += Stride)
                {
                    var id = $"script-{point}";
                    await BeginAsync(host, id, point);
                    Assert.Equal((point, 137), (point, await host.EndAsync()));
                    await host.DisposeAsync();
                    host = await HostProcess.StartAsync(state.FullName);

                    Assert.Equal((point, Ended), (point, await host.GetAsync($"/script/{id}")));
                    var effects = await File.ReadAllLinesAsync(Path.Combine(state.FullName, id), TestContext.Current.CancellationToken);
                    Assert.Equal(["both1.1", "both1.2", "both2.1", "both2.2", "first1", "first2"], effects.Distinct().Order());
                    Assert.InRange(effects.Length, 6, 8);
                }
            }
            finally
            {
                await host.DisposeAsync();
            }
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static async Task BeginAsync(HostProcess host, string id, int point)
    {
        try
        {
            using var answer = await host.Http.PostAsync($"/script/{id}/{point}", null, TestContext.Current.CancellationToken);
        }
        catch (HttpRequestException)
        {
            // Killed before it could answer.
        }
    }
}
