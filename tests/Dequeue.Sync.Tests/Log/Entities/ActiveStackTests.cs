using System.Text;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Entities;

namespace Dequeue.Sync.Tests.Log.Entities;

public sealed class ActiveStackTests
{
    [Theory]
    [InlineData("a", "stack.activated b", "b")]
    [InlineData(null, "stack.activated b", "b")]
    [InlineData("a", "stack.deactivated a", null)]
    [InlineData("a", "stack.completed a", null)]
    [InlineData("a", "stack.closed a", null)]
    [InlineData("a", "stack.discarded a", null)]
    [InlineData("a", "stack.deleted a", null)]
    [InlineData("a", "stack.deactivated b", "a")]
    [InlineData("a", "stack.updated a", "a")]
    [InlineData("a", "task.activated b", "a")]
    [InlineData(null, "stack.deleted a", null)]
    public void The_last_word_counts(string? before, string e, string? after)
    {
        var (type, stack) = (e.Split(' ')[0], e.Split(' ')[1]);
        Assert.Equal(after, After(before, $$$"""{"type":"{{{type}}}","payload":{"taskId":"t","stackId":"{{{stack}}}"}}"""));
        Assert.Equal(after, After(before, $$$"""{"payload":{"stackI\u0064":"{{{stack}}}"},"type":"s\u0074{{{type[2..]}}}"}"""));
    }

    [Theory]
    [InlineData("""{"type":"stack.activated","payload":{}}""")]
    [InlineData("""{"type":"stack.activated","payload":{"stackId":null}}""")]
    [InlineData("""{"type":"stack.activated","payload":{"stackId":"\ud800"}}""")]
    [InlineData("""{"type":"stack.activated","payload":{"state":{"stackId":"b"}}}""")]
    [InlineData("""{"type":"stack.activated","stackId":"b","payload":[]}""")]
    [InlineData("""{"type":"stack.activated","payload":{"stackId":"b"}""")]
    [InlineData("")]
    public void An_event_that_names_no_stack_changes_nothing(string json) => Assert.Equal("a", After("a", json));

    [Fact]
    public void A_stack_with_too_long_an_id_is_not_active_and_the_one_before_is_no_more()
    {
        var longest = new string('é', LogHead.MaxStackIdBytes / 2);
        Assert.Equal(longest, After("a", $$$"""{"type":"stack.activated","payload":{"stackId":"{{{longest}}}"}}"""));
        Assert.Null(After("a", $$$"""{"type":"stack.activated","payload":{"stackId":"{{{longest}}}x"}}"""));
    }

    private static string? After(string? active, string json) => ActiveStack.After(active, Encoding.UTF8.GetBytes(json));
}
