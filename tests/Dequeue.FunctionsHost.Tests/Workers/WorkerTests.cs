using System.Diagnostics;
using System.Globalization;
using Dequeue.FunctionsHost.Tests.Durable;
using Dequeue.FunctionsHost.Tests.Hosting;
using Dequeue.FunctionsHost.Workers;

namespace Dequeue.FunctionsHost.Tests.Workers;

public sealed class WorkerTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task When_the_worker_is_killed_another_takes_over_and_orchestrations_go_on()
    {
        await using var host = await RunningHost.StartAsync();
        var first = await WorkerIdAsync(host);
        var pending = host.GetAsync("/slow/pending");
        await host.GetAsync("/signals/pending.entered");
        Assert.Equal("200 script", await host.PostAsync($"/script/script/{int.MaxValue}"));

        Process.GetProcessById(first).Kill();

        // Its own request fails in a way that invites another try; those that come now wait for its successor, or fail so too.
        Assert.Equal("503", await pending);
        var answers = new List<string>();
        while (answers.LastOrDefault() != "200 GET x") answers.Add(await host.GetAsync("/hello/x"));
        Assert.All(answers.SkipLast(1), answer => Assert.Equal("503", answer));
        Assert.Equal(KilledTests.Outcome, await host.GetAsync("/script/script"));
        Assert.NotEqual(first, await WorkerIdAsync(host));
        Assert.Contains(host.Log.All, line => line.Text.StartsWith("The functions run again after ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task When_the_host_is_killed_its_worker_ends_too()
    {
        var state = Directory.CreateTempSubdirectory("killed-host-");
        try
        {
            await using var host = await HostProcess.StartAsync(state.FullName);
            var worker = await host.WorkerIdAsync();
            Assert.True(HostProcess.Runs(worker));
            await host.KillAsync();

            await Eventually.TrueAsync(() => !HostProcess.Runs(worker));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("TERM", false)]
    [InlineData("TERM", true)]
    [InlineData("INT", true)]
    public async Task Asked_to_end_host_and_worker_end_in_order_and_no_new_worker_is_started(string signal, bool wholeGroup)
    {
        var state = Directory.CreateTempSubdirectory("ended-host-");
        try
        {
            await using var host = await HostProcess.StartAsync(state.FullName);
            var worker = await host.WorkerIdAsync();
            HostProcess.Signal(signal, wholeGroup ? -host.Id : host.Id);

            Assert.Equal(0, await host.EndAsync());
            Assert.False(HostProcess.Runs(worker));
            Assert.Equal("", host.Errors.Trim());
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_start_that_is_given_up_leaves_no_worker_behind()
    {
        var launcher = new Silent();
        using var given = new CancellationTokenSource();
        var state = Directory.CreateTempSubdirectory("given-up-");
        await using var host = new FunctionsHostServer(new FunctionsHostOptions
        {
            AppFolder = AppContext.BaseDirectory,
            Listen = new Uri("http://127.0.0.1:0"),
            StateFolder = state.FullName,
            Worker = launcher,
        });
        var starting = host.StartAsync(given.Token);
        await launcher.Started.Task.WaitAsync(Test);
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
        Assert.True(launcher.IsDisposed);
        state.Delete(recursive: true);
    }

    private static async Task<int> WorkerIdAsync(RunningHost host) => int.Parse((await host.GetAsync("/pid"))["200 ".Length..], CultureInfo.InvariantCulture);

    /// <summary>A worker that never connects.</summary>
    private sealed class Silent : IWorkerLauncher, IRunningWorker
    {
        private readonly TaskCompletionSource<string> _ended = new();

        public TaskCompletionSource Started { get; } = new();

        public bool IsDisposed { get; private set; }

        public Task<string> Ended => _ended.Task;

        public Task<IRunningWorker> StartAsync(WorkerStart start, CancellationToken cancellationToken)
        {
            Started.TrySetResult();
            return Task.FromResult<IRunningWorker>(this);
        }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            _ended.TrySetResult("");
            return ValueTask.CompletedTask;
        }
    }
}
