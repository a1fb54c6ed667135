using System.Text;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.Functions.Pushing;
using Dequeue.Sync.Log;
using Dequeue.Sync.Pushing;
using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>Events that get into a log without a call, for tests that count calls.</summary>
internal static class Appending
{
    /// <summary>Stores events.</summary>
    /// <param name="services">The backend's.</param>
    /// <param name="user">Whose.</param>
    /// <param name="prefix">Of their ids.</param>
    /// <param name="count">How many.</param>
    /// <param name="tell">Whether live devices are told.</param>
    public static async Task AppendAsync(this IServiceProvider services, string user, string prefix, int count, bool tell = false)
    {
        var events = Enumerable.Range(0, count).Select(i => $$$"""{"id":"{{{prefix}}}{{{i}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""");
        var push = Assert.IsType<ReceivedPush.Valid>(ReceivedPush.Read(Encoding.UTF8.GetBytes($$"""{"events":[{{string.Join(',', events)}}]}"""), UserId.Parse(user)));
        if (tell) await services.GetRequiredService<PushIntake>().StoreAsync(OperationHost.Log(user), push, TestContext.Current.CancellationToken);
        else await services.GetRequiredService<EventLog>().AppendAsync(OperationHost.Log(user), push.Events, TestContext.Current.CancellationToken);
    }
}
