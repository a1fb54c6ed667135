using System.Text;
using System.Text.Json;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.EndToEnd.Tests.Options;
using Dequeue.Tests.Shared;

namespace Dequeue.Site.Tests;

/// <summary>Each combination of the stream's options brings the page the same events, in the order and with the digest that are right.</summary>
public sealed class CombinationTests(OptionBackend server, Browser browser, Azurite azurite) : IClassFixture<OptionBackend>
{
    /// <summary>The page's client, without its view: what <c>row</c> asks for.</summary>
    private const string Sync = """
        async ({ token, since, fields }) => {
          const { MemoryStore, SyncManager, digestOf } = await import('/page/client/index.js');
          const store = new MemoryStore({ checkpoint: since });
          const sync = new SyncManager({ server: location.origin, token, store, encodings: [], window: 0, ...fields });
          const { streamFailure, digestVerified } = await sync.pull({ onProgress: progress => { sync.ready = progress.ready; } });
          const events = store.events;
          return JSON.stringify({
            ids: events.map(({ id }) => id), ready: sync.ready, failure: streamFailure?.message,
            digest: digestVerified ? digestOf(events.map(({ text }) => text)) : null,
          });
        }
        """;

    [Fact]
    public async Task The_page_gets_the_same_events_by_each_combination()
    {
        var history = server.History;
        await AllowPageAsync();
        await using var visitor = await browser.VisitAsync(server.Backend.Address);
        Assert.Equal(1, await visitor.Page.Locator("[name=references]").CountAsync());
        var wrong = new List<string>();
        foreach (var row in OptionRow.All([null, BatchEncodings.Gzip], staysOpen: false))
        {
            var (expected, first) = history.Expected(row);
            var text = await visitor.Page.EvaluateAsync<string>(
                Sync, new { token = history.User.Token, since = row.FromMiddle ? history.Middle : null, fields = row.ToFields(history) });
            var result = JsonDocument.Parse(text).RootElement;
            var ids = expected.Select(json => JsonDocument.Parse(json).RootElement.GetProperty("id").GetString());
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
