using System.Reflection;
using System.Text.RegularExpressions;
using Dequeue.Client;
using Dequeue.Functions;
using Dequeue.FunctionsHost;
using Dequeue.Gateway;
using Dequeue.Sync.Log;
using Dequeue.Tests.Shared;
using Dequeue.WebPubSub;
using Microsoft.Extensions.Logging;

namespace Dequeue.EndToEnd.Tests.Operation;

/// <summary>Event ids: no two alike, and an operator finds those of the backend in the manual.</summary>
public sealed partial class LogCatalogueTests
{
    private static readonly Assembly[] Worker = [typeof(SyncBackend).Assembly, typeof(EventLog).Assembly];

    private static readonly Assembly[] Others =
        [typeof(SyncGatewayExtensions).Assembly, typeof(FunctionsHostServer).Assembly, typeof(WebPubSubServer).Assembly, typeof(SyncManager).Assembly];

    [Fact]
    public void No_two_events_have_the_same_id()
    {
        var ids = Worker.Concat(Others).SelectMany(Events).Select(static message => message.EventId).ToList();

        Assert.True(ids.Count > 40);
        Assert.Equal(ids.Distinct(), ids);
    }

    [Fact]
    public void Those_of_the_worker_tell_the_host_their_number_as_their_name()
        => Assert.All(Worker.SelectMany(Events), static message => Assert.Equal(message.EventId.ToString(System.Globalization.CultureInfo.InvariantCulture), message.EventName));

    [Fact]
    public async Task The_manual_has_each_event_of_the_backend()
    {
        var manual = await File.ReadAllTextAsync(Repository.File("docs", "operating.md"), TestContext.Current.CancellationToken);
        var listed = Row().Matches(manual).SelectMany(static row => row.Groups[1].Value.Split(", ")).Select(int.Parse).Order();

        Assert.Equal(Worker.Append(typeof(SyncGatewayExtensions).Assembly).SelectMany(Events).Select(static message => message.EventId).Order(), listed);
    }

    private static IEnumerable<LoggerMessageAttribute> Events(Assembly assembly)
        => assembly.GetTypes()
            .SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(static method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>();

    [GeneratedRegex(@"^\| (\d{3}(?:, \d{3})*) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
