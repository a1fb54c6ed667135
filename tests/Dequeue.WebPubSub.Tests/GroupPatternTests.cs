using Dequeue.WebPubSub.Hubs;

namespace Dequeue.WebPubSub.Tests;

public sealed class GroupPatternTests
{
    [Theory]
    [InlineData("room.*", "room.1", true)]
    [InlineData("room.*", "room.", true)]
    [InlineData("room.*", "room.1.2", false)]
    [InlineData("room.**", "room.1.2", true)]
    [InlineData("room.*", "Room.1", false)]
    [InlineData("room?", "room1", true)]
    [InlineData("room?", "room.", false)]
    [InlineData("room?", "room", false)]
    [InlineData("**.log", "a.b.log", true)]
    [InlineData("*.*.log", "a.b.log", true)]
    [InlineData(@"a\*b", "a*b", true)]
    [InlineData(@"a\*b", "axb", false)]
    [InlineData(@"a\\?", @"a\x", true)]
    [InlineData("plain", "plain", true)]
    [InlineData("plain", "plain.", false)]
    public void A_pattern_fits_whole_names(string pattern, string name, bool fits)
    {
        Assert.True(GroupPattern.TryParse(pattern, out var parsed));
        Assert.Equal(fits, parsed.Matches(name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a*b*c*d*e*f*")]
    [InlineData(@"a\b")]
    [InlineData(@"a\")]
    public void A_bad_pattern_grants_nothing(string pattern) => Assert.False(GroupPattern.TryParse(pattern, out _));

    [Fact]
    public void Roles_grant_every_group_one_group_or_a_pattern()
    {
        var permissions = new Permissions(["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup.a", "webpubsub.joinLeaveGroups.b.*", "webpubsub.sendToGroupies", "other"]);

        Assert.True(permissions.Allows(Permission.SendToGroup, "anything"));
        Assert.True(permissions.Allows(Permission.JoinLeaveGroup, "a"));
        Assert.True(permissions.Allows(Permission.JoinLeaveGroup, "b.1"));
        Assert.False(permissions.Allows(Permission.JoinLeaveGroup, "c"));
        Assert.False(new Permissions(["webpubsub.sendToGroupies", "webpubsub.sendToGroup."]).Allows(Permission.SendToGroup, "anything"));
    }
}
