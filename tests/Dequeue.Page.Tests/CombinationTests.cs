using System.Text;
using System.Text.Json;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.EndToEnd.Tests.Options;
using Dequeue.Tests.Shared;

namespace Dequeue.Page.Tests;

/// <summary>Each combination of the stream's options brings the page the same events, in the order and with the digest that are right.</summary>
public sealed class CombinationTests(OptionBackend server, Browser browser, Azurite azurite) : IClassFixture<OptionBackend>
{
    /// <summary>The page's own modules, without its view: what <c>row</c> asks for, and one event more when that is live.</summary>
    private const string Sync = """
        async ({ token, since, fields, later }) => {
          const [{ Api }, { Device }, { REAL_LINK }, { byStream }] = await Promise.all(['api', 'device', 'link', 'stream'].map(name => import(`/page/${name}.js`)));
          const api = new Api(token, REAL_LINK);
          const device = new Device(since);
          const stopping = new AbortController();
          const result = { ids: [], ready: null, digest: null, failure: null };
          const keep = (events, checkpoint) => {
            result.ids.push(...device.save(events, checkpoint).map(event => event.id));
            if (later && result.ids.at(-1) === JSON.parse(later).id) stopping.abort();
          };
          try {
            await byStream({
              api, device, signal: stopping.signal, wishes: fields, keep, report: ({ ready, digest }) => { result.ready ??= ready ?? null; result.digest ??= digest ?? null; },
              onLive: () => fetch('/v1/sync/push', { method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: `{"events":[${later}]}` }),
            });
          } catch (failure) {
            if (!stopping.signal.aborted) result.failure = failure.message;
          }
          return JSON.stringify(result);
        }
        """;

    [Fact]
    public async Task The_page_gets_the_same_events_by_each_combination()
    {
        var history = server.History;
        await AllowPageAsync();
        await using var visitor = await browser.VisitAsync(server.Backend.Address);
        var wrong = new List<string>();
        foreach (var row in OptionRow.All([null, BatchEncodings.Gzip]))
        {
            var (expected, first) = history.Expected(row);
            var later = row.Live ? history.Next() : null;
            if (later is not null) history.Add(later);
            var text = await visitor.Page.EvaluateAsync<string>(Sync, new { token = history.User.Token, since = row.FromMiddle ? history.Middle : null, fields = row.ToFields(history), later });
            var result = JsonDocument.Parse(text).RootElement;
            var ids = (later is null ? expected : [.. expected, later]).Select(json => JsonDocument.Parse(json).RootElement.GetProperty("id").GetString());
            var isRight = result.GetProperty("ids").EnumerateArray().Select(id => id.GetString()).SequenceEqual(ids)
                && result.GetProperty("digest").GetString() == StreamScript.DigestOf(expected)
                && (result.GetProperty("ready") is { ValueKind: JsonValueKind.Number } ready ? ready.GetInt32() : null as int?) == first;
            if (!isRight) wrong.Add($"{row}: {result.GetProperty("failure")} {result.GetProperty("ids").GetArrayLength()} events");
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        Assert.Contains(visitor.Urls, url => url.Contains("devstoreaccount1", StringComparison.Ordinal));
        Assert.DoesNotContain(visitor.Urls, url => url.EndsWith("/v1/sync/pull", StringComparison.Ordinal));
    }

    // What infra/app/storage.bicep says of the storage account.
    private async Task AllowPageAsync()
    {
        var blobs = new BlobServiceClient(await azurite.BlobConnectionStringAsync());
        BlobServiceProperties properties = await blobs.GetPropertiesAsync(TestContext.Current.CancellationToken);
        properties.Cors = [new BlobCorsRule { AllowedOrigins = "*", AllowedMethods = "GET", AllowedHeaders = "*", ExposedHeaders = "*", MaxAgeInSeconds = 3600 }];
        await blobs.SetPropertiesAsync(properties, TestContext.Current.CancellationToken);
    }
}
