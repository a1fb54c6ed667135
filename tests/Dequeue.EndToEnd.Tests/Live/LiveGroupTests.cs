using Dequeue.Contracts;
using Dequeue.Functions.Live;
using Dequeue.Sync.Log;

namespace Dequeue.EndToEnd.Tests.Live;

public sealed class LiveGroupTests
{
    [Fact]
    public void No_two_apps_and_no_two_kinds_share_a_group_whatever_dots_an_app_id_holds()
    {
        string[] apps = ["app", "json.app", "json", "tail.app", "live.app"];
        var groups = apps.Select(app => new LogKey(AppId.Parse(app), UserId.Parse("ada")))
            .SelectMany(log => new[] { LiveGroup.Of(log), LiveGroup.OfStreams(log, speakJson: false), LiveGroup.OfStreams(log, speakJson: true) })
            .ToList();

        Assert.Equal(groups.Count, groups.Distinct(StringComparer.Ordinal).Count());
    }
}
