using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Health;
using Azure.Messaging.WebPubSub;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Operation;

public sealed class HealthTests
{
    /// <summary>Kilobytes that a file of the server may have: what a disk that is full looks like to it.</summary>
    private const int FileLimit = 3000;

    [Fact]
    public async Task However_many_ask_health_is_computed_once_a_second()
    {
        await using var host = await OperationHost.StartAsync();
        var (clock, table) = (new FakeTimeProvider(), new CountingTable());
        var probe = new HealthProbe(table, host.Services.GetRequiredService<WebPubSubServiceClient>(), clock);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => probe.AskAsync()));
        Assert.All(answers, Assert.Empty);
        Assert.Equal(1, table.Checks);
        clock.Advance(TimeSpan.FromSeconds(0.9));
        await probe.AskAsync();
        Assert.Equal(1, table.Checks);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        await probe.AskAsync();
        Assert.Equal(2, table.Checks);
    }

    [Fact]
    public async Task A_disk_that_takes_no_writes_is_noticed_and_named()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The limit of a file's size is a Unix one.");
        var data = Directory.CreateTempSubdirectory("dequeue-full-");
        var (server, address) = await ChildProcess.ServeWithFilesOfAsync(FileLimit, data.FullName);
        await using (server)
        {
            using var http = new HttpClient { BaseAddress = address };
            Assert.Equal(HttpStatusCode.OK, (await HealthAsync(http)).Status);
            var key = Encoding.UTF8.GetBytes(DataFolder.Open(data.FullName).DevSigningKey());
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
                "Bearer", DevTokens.Create(key, UserId.Parse("ada"), AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1)));
            var status = HttpStatusCode.OK;
            for (var push = 0; status == HttpStatusCode.OK && push < 200; push++)
            {
                var events = Enumerable.Range(0, 20).Select(i => $$$"""{"id":"e-{{{push}}}-{{{i}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{{Noise(push, i)}}}"},"payload_version":2}""");
                using var answer = await http.PostAsync("/v1/sync/push", new StringContent($$"""{"events":[{{string.Join(',', events)}}]}"""), TestContext.Current.CancellationToken);
                status = answer.StatusCode;
            }

            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
            var sick = await HealthAsync(http);
            await OperationHost.UntilAsync(async () => (sick = await HealthAsync(http)).Status == HttpStatusCode.ServiceUnavailable);
            Assert.Contains("storage", sick.Text);
            Assert.Contains("disk", sick.Text);
        }

        data.Delete(recursive: true);
    }

    private static string Noise(int push, int i)
    {
        var bytes = new byte[12_000];
        new Random(push * 1000 + i).NextBytes(bytes);
        return Convert.ToBase64String(bytes);
    }

    private static async Task<(HttpStatusCode Status, string Text)> HealthAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("/healthz", TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private sealed class CountingTable : IPartitionedTable
    {
        private int _checks;

        public int Checks => _checks;

        public Task CheckAsync(CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _checks);
            return Task.CompletedTask;
        }

        public Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
