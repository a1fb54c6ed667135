using System.Text;
using System.Text.Json;
using Dequeue.Client;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Options;

/// <summary>Each combination of the stream's options brings the same events, to the byte, with a digest that is right.</summary>
public sealed class CombinationTests(OptionBackend server) : IClassFixture<OptionBackend>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_DotNet_client_gets_the_same_events_by_each_combination()
    {
        var history = server.History;
        var wrong = new List<string>();
        foreach (var row in OptionRow.All([null, BatchEncodings.Gzip, BatchEncodings.Brotli, BatchEncodings.Zstandard], staysOpen: false))
        {
            var store = new InMemoryEventStore();
            if (row.FromMiddle && Checkpoint.TryParse(history.Middle, out var middle)) await store.SaveAsync([], middle, Stop);
            var (expected, first) = history.Expected(row);
            using var client = new SyncManager(row.ToOptions(server.Backend.Address, history), store, (_, _) => ValueTask.FromResult(history.User.Token));
            var result = await client.PullAsync(cancellationToken: Stop);
            var isRight = result is { StreamFailure: null, DigestVerified: true } && first is null == result.ReadySeconds is null
                && result.HistoryEvents == (row.Compact is null ? null : history.Length(row))
                && store.Events.Select(json => Encoding.UTF8.GetString(json.Span)).SequenceEqual(expected);
            if (!isRight) wrong.Add($"{row}: {result}");
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public async Task A_plain_client_gets_the_same_events_by_each_combination()
    {
        var history = server.History;
        var folder = Directory.CreateTempSubdirectory("dequeue-options-");
        try
        {
            var (tasks, all) = (new List<object>(), new List<(OptionRow Row, List<string> Events, int? Ready)>());
            foreach (var row in OptionRow.All([null, BatchEncodings.Gzip, BatchEncodings.Brotli]))
            {
                var (expected, first) = history.Expected(row);
                var later = row.Live ? history.Next() : null;
                if (later is not null) history.Add(later);
                if (row.Compact is not null) Assert.InRange(expected.Count, 100, history.Length(row) - 100);
                all.Add((row, later is null ? expected : [.. expected, later], first));
                tasks.Add(new { request = row.ToFields(history), since = row.FromMiddle ? history.Middle : null, later });
            }

            var file = Path.Combine(folder.FullName, "tasks.json");
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new { server = server.Backend.Address, token = history.User.Token, tasks }), Stop);
            var lines = (await NodeTools.RunAsync("stream/plain-each.mjs", [file], Stop)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

            var wrong = new List<string>();
            foreach (var ((row, expected, first), line) in all.Zip(lines))
            {
                var result = JsonDocument.Parse(line).RootElement;
                var isRight = result.TryGetProperty("out", out var events) && (await File.ReadAllLinesAsync(events.GetString()!, Stop)).SequenceEqual(expected)
                    && (result.GetProperty("ready") is { ValueKind: JsonValueKind.Number } ready ? ready.GetInt32() : null as int?) == first;
                if (!isRight) wrong.Add($"{row}: {line}");
            }

            Assert.Equal(all.Count, lines.Length);
            Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_plain_client_is_a_command()
    {
        var history = server.History;
        var (expected, _) = history.Expected(new OptionRow(BatchEncodings.Gzip, 2, false, false, true, 500, true, false, false));
        using var answer = await history.User.PostAsync("/v1/sync/stream/negotiate", "");
        var url = (await Hosting.TestUser.JsonOf(answer)).GetProperty("url").GetString()!;
        var file = Path.GetTempFileName();
        try
        {
            var line = await NodeTools.RunAsync(
                "stream/plain.mjs", ["--url", url, "--request", """{"since":null,"encodings":["gzip"],"window":2,"delta":true,"batchSize":500,"references":true}""", "--ack", "--out", file], Stop);
            Assert.Equal(expected.Count, JsonDocument.Parse(line).RootElement.GetProperty("events").GetInt32());
            Assert.Equal(expected, await File.ReadAllLinesAsync(file, Stop));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
