using Dequeue.Local.TestApp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.Local.Tests.Worker;

public sealed class TimerTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static Task<RunningApp> StartAsync(TimeProvider clock, string? folder = null) =>
        RunningApp.StartAsync(builder => builder.Services.AddSingleton(clock), folder);

    private static async Task<TimerRun> NextRunAsync(RunningApp app) =>
        await app.Host.Services.GetRequiredService<TimerLog>().Runs.Reader.ReadAsync(Test).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Test);

    [Fact]
    public async Task A_timer_runs_at_the_start_if_told_to_and_then_on_its_schedule()
    {
        var clock = new FakeTimeProvider(Noon.AddMinutes(-30));
        await using var app = await StartAsync(clock);

        var first = await NextRunAsync(app);
        Assert.Equal(("AtStart", clock.GetUtcNow()), (first.Function, first.At));
        Assert.Null(first.Timer.ScheduleStatus);
        Assert.False(first.Timer.IsPastDue);

        for (var hour = 0; hour < 3; hour++)
        {
            var due = Noon.AddHours(hour);
            while (clock.GetUtcNow() < due)
            {
                // The loop may not have set its timer yet: small steps let it come in between.
                clock.Advance(TimeSpan.FromMinutes(10));
            }

            var run = await NextRunAsync(app);
            Assert.Equal(("Hourly", due, false), (run.Function, run.At, run.Timer.IsPastDue));
            Assert.Equal((due.UtcDateTime, due.UtcDateTime.AddHours(1)), (run.Timer.ScheduleStatus!.Last, run.Timer.ScheduleStatus.Next));
        }
    }

    [Fact]
    public async Task A_run_missed_while_the_host_was_down_is_made_up_for_once()
    {
        var folder = Directory.CreateTempSubdirectory("timers-").FullName;
        try
        {
            var clock = new FakeTimeProvider(Noon);
            await using (var app = await StartAsync(clock, folder))
            {
                Assert.Equal("AtStart", (await NextRunAsync(app)).Function);
                clock.Advance(TimeSpan.FromHours(1));
                Assert.Equal("Hourly", (await NextRunAsync(app)).Function);
            }

            clock.Advance(TimeSpan.FromHours(5));
            await using var again = await StartAsync(clock, folder);
            var runs = new[] { await NextRunAsync(again), await NextRunAsync(again) }.OrderBy(run => run.Function).ToArray();
            Assert.Equal(["AtStart", "Hourly"], runs.Select(run => run.Function));
            Assert.True(runs[1].Timer.IsPastDue);
            clock.Advance(TimeSpan.FromHours(1));
            Assert.False((await NextRunAsync(again)).Timer.IsPastDue);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
