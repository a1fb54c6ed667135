using Dequeue.WebPubSub.Filters;

namespace Dequeue.WebPubSub.Tests;

public sealed class ConnectionFilterTests
{
    private static readonly FilterSubject Ann = new("Ann O'Hara", "c1", ["g1", "g2"]);
    private static readonly FilterSubject Nobody = new(null, "c2", []);

    [Theory]
    [InlineData("userId eq 'Ann O''Hara'", true, false)]
    [InlineData("userId eq 'ann o''hara'", false, false)]
    [InlineData("userId ne 'x'", true, true)]
    [InlineData("userId eq null", false, true)]
    [InlineData("null ne userId", true, false)]
    [InlineData("'g1' in groups", true, false)]
    [InlineData("'G1' in groups", false, false)]
    [InlineData("not ('g1' in groups)", false, true)]
    [InlineData("userId in ('a', 'Ann O''Hara')", true, false)]
    [InlineData("userId in ('a', null)", false, true)]
    [InlineData("length(groups) gt 1", true, false)]
    [InlineData("length(groups) le 0", false, true)]
    [InlineData("length(userId) gt 5", true, false)]
    [InlineData("not (length(userId) gt 50)", true, true)]
    [InlineData("startswith(tolower(userId), 'ann') and connectionId eq 'c1'", true, false)]
    [InlineData("not startswith(userId, 'A')", false, false)]
    [InlineData("false or true and connectionId eq 'c2'", false, true)]
    [InlineData("(false or true) and connectionId eq 'c2'", false, true)]
    [InlineData("true or false and false", true, true)]
    [InlineData("contains(userId,'O') eq true", true, false)]
    [InlineData("substring(connectionId, 1) eq '1'", true, false)]
    [InlineData("substring(userId, 0, 3) eq 'Ann'", true, false)]
    [InlineData("substring(userId, 900, -3) eq ''", true, false)]
    [InlineData("concat(concat('c', '1'), trim('  ')) eq connectionId", true, false)]
    [InlineData("indexof(toupper(userId), 'N') eq 1 and endswith(userId, 'ra')", true, false)]
    [InlineData("connectionId lt 'c2'", true, false)]
    [InlineData("userId gt 'A'", true, false)]
    [InlineData("-1 lt 0", true, true)]
    public void A_filter_means_the_connections_that_it_describes(string text, bool ann, bool nobody)
    {
        Assert.True(ConnectionFilter.TryParse(text, out var filter, out var error), error);
        Assert.Equal((ann, nobody), (filter.Matches(Ann), filter.Matches(Nobody)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("userId")]
    [InlineData("userId eq")]
    [InlineData("userId eq 1")]
    [InlineData("userId like 'x'")]
    [InlineData("UserId eq 'x'")]
    [InlineData("userId eq 'x")]
    [InlineData("groups eq 'g'")]
    [InlineData("1 in groups")]
    [InlineData("userId in ()")]
    [InlineData("userId in (1)")]
    [InlineData("length(1) eq 1")]
    [InlineData("length() eq 1")]
    [InlineData("drop('x') eq 'x'")]
    [InlineData("true gt false")]
    [InlineData("(true")]
    [InlineData("true)")]
    [InlineData("true true")]
    [InlineData("not 'x'")]
    [InlineData("'a' and true")]
    [InlineData("userId eq \"x\"")]
    [InlineData("99999999999999999999 eq 1")]
    [InlineData("- eq 1")]
    public void What_makes_no_sense_is_refused(string text)
    {
        Assert.False(ConnectionFilter.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void A_filter_of_too_many_clauses_or_too_deep_is_refused()
    {
        Assert.False(ConnectionFilter.TryParse(string.Join(" or ", Enumerable.Repeat("userId eq 'x'", 101)), out _, out _));
        Assert.False(ConnectionFilter.TryParse(new string('(', 50_000), out _, out _));
        Assert.False(ConnectionFilter.TryParse(string.Concat(Enumerable.Repeat("not ", 50_000)) + "true", out _, out _));
        Assert.True(ConnectionFilter.TryParse(string.Join(" or ", Enumerable.Repeat("userId eq 'x'", 100)), out _, out _));
    }
}
