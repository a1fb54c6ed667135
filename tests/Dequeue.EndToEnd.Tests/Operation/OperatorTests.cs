using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Dequeue.Cli.Operating;
using Dequeue.Cli.Serving;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Operation;

/// <summary>What an operator may ask a server of his own, and nobody else.</summary>
public sealed class OperatorTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("dequeue-operator-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Metrics_and_status_count_what_happened_and_name_nobody()
    {
        await using var backend = await Backend.StartAsync(new Dictionary<string, string?>());
        var user = backend.NewUser();
        await user.PushHistoryAsync(1_200);
        await using var open = await RawStream.OpenAsync(await NegotiateAsync(user));
        await open.SendAsync("""{"type":"sync.stream.request","live":true}""");
        await open.ReceiveUntilAsync("sync.stream.complete");

        // The end of a stream is counted after its last message was sent.
        var metrics = "";
        await OperationHost.UntilAsync(async () =>
        {
            metrics = await TextAsync(backend, "/metrics");
            return PrometheusText.Sum(metrics, "dequeue_streams_completed_total") >= 1;
        });
        Assert.Equal(1, PrometheusText.Sum(metrics, "dequeue_webpubsub_connections"));
        Assert.Equal(1_200, PrometheusText.Sum(metrics, "dequeue_push_events_sum", "outcome=\"stored\""));
        Assert.True(PrometheusText.Sum(metrics, "dequeue_storage_calls_total", "operation=\"commit\"") >= 2);
        Assert.True(PrometheusText.Sum(metrics, "dequeue_file_bytes", "events.db") > 0);
        Assert.True(PrometheusText.Sum(metrics, "dotnet_process_memory_working_set_bytes") > 1e6);
        Assert.DoesNotContain(user.Id.Value, metrics, StringComparison.Ordinal);

        // Each family is declared once, or Prometheus refuses the whole answer.
        var declared = metrics.Split('\n').Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]).ToList();
        Assert.Equal(declared.Distinct(), declared);

        var status = JsonSerializer.Deserialize(await TextAsync(backend, "/operator/status"), OperatorJson.Default.ServerStatus)!;
        Assert.Equal((1, 1L, 1L, 0L, 1_200L), (status.Connections, status.Streams.Started, status.Streams.Completed, status.Streams.Failed, status.PushedEvents));
        Assert.True(status is { MemoryBytes: > 10_000_000, FreeBytes: > 0, Recent: [] });
        Assert.Contains("durable.db", status.Files.Keys);
    }

    [Fact]
    public async Task Nobody_without_the_token_learns_anything_and_from_outside_there_is_nothing()
    {
        await using var backend = await Backend.StartAsync(new Dictionary<string, string?>(), side: new PublicSide());
        using var local = new HttpClient { BaseAddress = backend.LocalAddress };
        foreach (var path in new[] { "/metrics", "/operator/status" })
        {
            foreach (var token in new[] { null, "x", backend.NewUser().Token, backend.WebPubSubKey })
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, path);
                request.Headers.Add("x-dequeue-own", "1");
                if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
                using var refused = await local.SendAsync(request, Cancel);
                Assert.True(refused.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.NotFound, refused.StatusCode.ToString());
                request.Headers.Remove("x-dequeue-own");
                using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = request.Headers.Authorization } };
                using var refusedToo = await local.SendAsync(again, Cancel);
                Assert.Equal((path, HttpStatusCode.Unauthorized), (path, refusedToo.StatusCode));
            }
        }

        foreach (var path in new[] { "/metrics", "/Metrics/", "/operator/status", "/operator/", "/operator" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", Token(backend)) } };
            using var outside = await backend.Http.SendAsync(request, Cancel);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, outside.StatusCode));
        }
    }

    [Fact]
    public async Task The_functions_alone_have_no_metrics_to_be_asked_for_while_no_token_is_set()
    {
        await using (var host = await OperationHost.StartAsync())
        {
            using var none = await host.SendAsync(HttpMethod.Get, "/metrics", "x");
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        }

        await using (var host = await OperationHost.StartAsync(("Operator:Token", "the-operator")))
        {
            foreach (var (token, status) in new[] { ("x", HttpStatusCode.Unauthorized), ("the-operator", HttpStatusCode.OK) })
            {
                using var answer = await host.SendAsync(HttpMethod.Get, "/metrics", token);
                Assert.Equal(status, answer.StatusCode);
            }
        }
    }

    [Fact]
    public async Task Status_shows_a_running_server_and_its_last_errors_and_says_when_there_is_none()
    {
        var none = await ChildProcess.RunAsync("status", "--data", _data);
        Assert.Equal((1, "No server runs on this data folder (--data names another)."), (none.Code, none.Errors.Trim()));

        var (server, address) = await ChildProcess.ServeAsync(_data, "--public-url", "http://127.0.0.1");
        await using (server)
        {
            // A forged event is a warning.
            var local = new Uri(DataFolder.Open(_data).OperatorEndpoint!);
            Assert.NotEqual(address.Port, local.Port);
            using var http = new HttpClient { BaseAddress = local };
            using var forged = await http.PostAsync("/webpubsub/events", null, Cancel);
            Assert.Equal(HttpStatusCode.Unauthorized, forged.StatusCode);
            await server.WaitForErrorLineAsync("302");

            var status = await ChildProcess.RunAsync("status", "--data", _data);
            Assert.True(status.Code == 0, status.Errors);
            foreach (var part in new[] { $"page {local.GetLeftPart(UriPartial.Authority)}/operator/", "connections  0", "0 running", "events.db ", "B free", "newest first", "Warning 302: " })
                Assert.Contains(part, status.Output, StringComparison.Ordinal);
            var json = JsonDocument.Parse((await ChildProcess.RunAsync("status", "--data", _data, "--json")).Output).RootElement;
            Assert.Equal(302, json.GetProperty("recent")[0].GetProperty("id").GetInt32());
            Assert.Equal(0, await server.TerminateAsync());
        }

        Assert.Null(DataFolder.Open(_data).OperatorEndpoint);
    }

    [Fact]
    public void The_last_fifty_warnings_are_kept_newest_first_each_in_one_line()
    {
        var log = new RecentLog(new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));
        var logger = log.CreateLogger("part");
        for (var i = 0; i < 60; i++) logger.Log(LogLevel.Warning, i, $"line {i}\n   at Stack", null, static (text, _) => text);
        logger.Log(LogLevel.Information, 99, "not worth it", null, static (text, _) => text);
        logger.Log(LogLevel.Error, 61, "failed", new InvalidOperationException("why\n   at Stack"), static (text, _) => text);

        Assert.Equal(50, log.Lines.Count);
        Assert.Equal(new LogLine("2026-01-02T03:04:05.000Z", "Error", 61, "part", "failed InvalidOperationException: why"), log.Lines[0]);
        Assert.Equal(("line 59", "line 11"), (log.Lines[1].Message, log.Lines[^1].Message));
    }

    private static string Token(Backend backend) => DataFolder.Open(backend.Folder).OperatorToken();

    private static async Task<string> TextAsync(Backend backend, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token(backend));
        using var answer = await backend.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(Cancel);
    }

    private static async Task<Uri> NegotiateAsync(TestUser user)
    {
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        return new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
    }
}
