using System.ComponentModel;
using Dequeue.Client.Tests.Servers;
using Dequeue.Client.Tests.Threads;
using Dequeue.Samples.ViewModel;

namespace Dequeue.Client.Tests.Samples;

public sealed class ViewModelTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_page_sees_progress_and_events_on_its_own_thread_alone()
    {
        await using var server = await TestServer.StartAsync(500);
        using var sync = new SyncManager(server.Options, new InMemoryEventStore(), TokenProviders.Fixed(TestServer.Token));
        using var ui = new UiThread();
        using var page = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);

        var (changed, threads, status, newest) = await ui.RunAsync(async () =>
        {
            var (properties, seenOn) = (new List<string?>(), new HashSet<int>());
            var model = new SyncViewModel(sync);
            ((INotifyPropertyChanged)model).PropertyChanged += (_, change) =>
            {
                properties.Add(change.PropertyName);
                seenOn.Add(Environment.CurrentManagedThreadId);
            };
            await model.PullAsync(Cancelled);
            var full = new TaskCompletionSource();
            var arrived = 0;
            model.Newest.CollectionChanged += (_, change) =>
            {
                seenOn.Add(Environment.CurrentManagedThreadId);
                if (change.NewItems is not null && ++arrived == 500) full.SetResult();
            };
            var following = model.FollowAsync(page.Token);
            await full.Task;
            await page.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
            return (properties, seenOn, model.Status, model.Newest.Count);
        });

        Assert.Contains(nameof(SyncViewModel.Fraction), changed);
        Assert.Single(threads);
        Assert.StartsWith("500 events", status, StringComparison.Ordinal);
        Assert.Equal(20, newest);
    }

    [Fact]
    public async Task Being_offline_is_a_line_of_text()
    {
        using var sync = new SyncManager(
            new SyncOptions { Server = new Uri("http://127.0.0.1:9/"), MaxAttempts = 1 }, new InMemoryEventStore(), TokenProviders.Fixed("t"));
        var model = new SyncViewModel(sync);

        await model.PullAsync(Cancelled);

        Assert.StartsWith("Offline", model.Status, StringComparison.Ordinal);
    }
}
