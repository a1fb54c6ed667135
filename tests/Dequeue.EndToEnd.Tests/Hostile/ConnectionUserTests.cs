using Dequeue.Contracts;
using Dequeue.Functions.Live;
using Dequeue.Functions.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.EndToEnd.Tests.Hostile;

public sealed class ConnectionUserTests
{
    /// <summary>From WEBPUBSUB.md: the longest group name.</summary>
    private const int LongestGroup = 1024;

    private static IReadOnlyList<LogKey> Logs { get; }
        = [.. OddUsers.Distinct.SelectMany(user => new[] { "dequeue", "other.app", new string('a', 64) }.Select(app => new LogKey(AppId.Parse(app), UserId.Parse(user))))];

    [Fact]
    public void A_spelling_is_ASCII_that_headers_and_urls_leave_alone_and_it_is_reversed_exactly()
    {
        foreach (var log in Logs)
        {
            var spelling = ConnectionUser.Format(log);
            Assert.Matches(@"\A[A-Za-z0-9._-]+:[A-Za-z0-9._@|~-]+\z", spelling);
            Assert.Equal(log, ConnectionUser.Parse(spelling));
            Assert.InRange(LiveGroup.OfStreams(log, speakJson: true).Length, 1, LongestGroup);
        }

        Assert.Equal(Logs.Count, Logs.Select(ConnectionUser.Format).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Common_users_stand_as_they_are()
    {
        foreach (var user in new[] { "ada", "auth0|64f", "ada@example.com", "user_2abc-DEF" })
            Assert.Equal("dequeue:" + user, ConnectionUser.Format(new LogKey(AppId.Parse("dequeue"), UserId.Parse(user))));
    }

    [Theory]
    [InlineData("dequeue:ada ")]
    [InlineData("dequeue:ada bob")]
    [InlineData("dequeue:zo\u00EB")]
    [InlineData("dequeue:~YWRh")]
    [InlineData("dequeue:~YWRhIA==")]
    [InlineData("dequeue:~YWRhIB")]
    [InlineData("dequeue:~_w")]
    [InlineData("dequeue:~!")]
    [InlineData("dequeue:~")]
    [InlineData("dequeue:")]
    [InlineData("dequeue")]
    [InlineData(":ada")]
    [InlineData("")]
    [InlineData(null)]
    public void What_would_not_be_spelled_so_names_nobody(string? text) => Assert.Null(ConnectionUser.Parse(text));
}
