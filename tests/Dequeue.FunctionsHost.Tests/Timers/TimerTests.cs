using System.Text.Json;
using Dequeue.FunctionsHost.Tests.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.FunctionsHost.Tests.Timers;

public sealed class TimerTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_timer_runs_at_the_start_if_told_to_and_then_on_its_schedule()
    {
        var clock = new FakeTimeProvider(Noon.AddMinutes(-30));
        await using var host = await RunningHost.StartAsync(options => options with { Clock = clock });

        Assert.Equal(new Run("AtStart", false, null, null), await NextRunAsync(host));
        for (var hour = 0; hour < 3; hour++)
        {
            var due = Noon.AddHours(hour);

            // The loop may not have set its timer yet: small steps let it come in between.
            while (clock.GetUtcNow() < due) clock.Advance(TimeSpan.FromMinutes(10));
            Assert.Equal(new Run("Hourly", false, due, due.AddHours(1)), await NextRunAsync(host));
        }
    }

    [Fact]
    public async Task A_run_missed_while_the_host_was_down_is_made_up_for_once()
    {
        var state = Directory.CreateTempSubdirectory("timers-");
        try
        {
            var clock = new FakeTimeProvider(Noon);
            await using (var host = await RunningHost.StartAsync(options => options with { Clock = clock, StateFolder = state.FullName }))
            {
                Assert.Equal("AtStart", (await NextRunAsync(host)).Function);
                clock.Advance(TimeSpan.FromHours(1));
                Assert.Equal("Hourly", (await NextRunAsync(host)).Function);
            }

            clock.Advance(TimeSpan.FromHours(5));
            await using var again = await RunningHost.StartAsync(options => options with { Clock = clock, StateFolder = state.FullName });
            var runs = new[] { await NextRunAsync(again), await NextRunAsync(again) }.OrderBy(run => run.Function, StringComparer.Ordinal).ToArray();
            Assert.Equal(
                [new Run("AtStart", false, null, null), new Run("Hourly", true, Noon.AddHours(6), Noon.AddHours(7))], runs);
            clock.Advance(TimeSpan.FromHours(1));
            Assert.Equal(new Run("Hourly", false, Noon.AddHours(7), Noon.AddHours(8)), await NextRunAsync(again));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    private static async Task<Run> NextRunAsync(RunningHost host)
    {
        using var response = await host.Http.GetAsync("/runs/next", TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var timer = json.RootElement.GetProperty("timer");
        var status = timer.GetProperty("scheduleStatus");
        return new Run(
            json.RootElement.GetProperty("function").GetString()!, timer.GetProperty("isPastDue").GetBoolean(), Time("last"), Time("next"));

        DateTimeOffset? Time(string name) => status.ValueKind == JsonValueKind.Null ? null : status.GetProperty(name).GetDateTimeOffset();
    }

    private sealed record Run(string Function, bool IsPastDue, DateTimeOffset? Last, DateTimeOffset? Next);
}
