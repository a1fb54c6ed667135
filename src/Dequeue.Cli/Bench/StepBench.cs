using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Dequeue.Local.Durable;
using Dequeue.Local.Worker;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Cli.Bench;

/// <summary>B11: what a durable step costs locally: its history on the disk and a replay of the orchestrator before it.</summary>
internal static class StepBench
{
    private static readonly int[] Steps = [0, 1, 3, 50];

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("dequeue-bench-");
        try
        {
            var builder = FunctionsApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
            builder.ConfigureFunctionsWebApplication();
            builder.Configuration.AddInMemoryCollection([new("Durable:Path", Path.Combine(folder.FullName, "durable.db"))]);
            builder.Logging.ClearProviders();
            using var host = builder.Build();
            await host.StartAsync(cancellationToken);
            using var http = new HttpClient { BaseAddress = new Uri(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
            var times = Steps.ToDictionary(steps => steps, _ => new Samples());
            for (var run = -5; run < runs; run++)
            {
                foreach (var steps in Steps)
                {
                    var began = TimeProvider.System.GetTimestamp();
                    using var answer = await http.GetAsync(new Uri($"bench/{steps}", UriKind.Relative), cancellationToken);
                    answer.EnsureSuccessStatusCode();
                    if (run >= 0) times[steps].Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
                }
            }

            await host.StopAsync(cancellationToken);
            var report = new StringBuilder("# B11: the durable engine's own cost\n\n")
                .AppendLine("One orchestration of so many activities that do nothing, one after the other, from the HTTP call that schedules it to its end; in turn; median (min … max).\n")
                .AppendLine("| activities | time |").AppendLine("|---:|---:|");
            foreach (var (steps, samples) in times) report.AppendLine(CultureInfo.InvariantCulture, $"| {steps} | {samples} |");
            report.AppendLine(CultureInfo.InvariantCulture, $"\nA step more costs {(times[50].Median - times[1].Median) / 49:0.00} ms. A stream of one window has three: plan, window, complete.");
            return report.ToString();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>The functions of <see cref="StepBench"/>.</summary>
public static class BenchSteps
{
    /// <summary>Runs activities one after the other.</summary>
    [Function(nameof(BenchOrchestration))]
    public static async Task BenchOrchestration([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        for (var step = context.GetInput<int>(); step > 0; step--) await context.CallActivityAsync<int>(nameof(BenchActivity), step);
    }

    /// <summary>Starts an orchestration and answers when it has ended.</summary>
    [Function(nameof(BenchStart))]
    public static async Task<IResult> BenchStart(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "bench/{steps:int}")] HttpRequest request, int steps, [DurableClient] DurableTaskClient client, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(client);
        var id = await client.ScheduleNewOrchestrationInstanceAsync(nameof(BenchOrchestration), steps, cancellationToken);
        var ended = await client.WaitForInstanceCompletionAsync(id, cancellation: cancellationToken);
        return ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed ? Results.Ok() : Results.InternalServerError();
    }

    /// <summary>Does nothing.</summary>
    [Function(nameof(BenchActivity))]
    public static int BenchActivity([ActivityTrigger] int step) => step;
}
