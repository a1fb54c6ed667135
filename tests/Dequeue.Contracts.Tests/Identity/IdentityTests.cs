namespace Dequeue.Contracts.Tests.Identity;

public sealed class IdentityTests
{
    [Theory]
    [InlineData("dequeue", true)]
    [InlineData("com.example.My-App_2", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("a/b", false)]
    [InlineData("a b", false)]
    [InlineData("é", false)]
    [InlineData("a|b", false)]
    public void App_ids(string? text, bool isOne) => Assert.Equal(isOne, AppId.TryParse(text, out var app) && app.Value == text);

    [Theory]
    [InlineData("mk0vftn49jjqtovp8nvub5ww", true)]
    [InlineData("67EC8E65-A18D-4BBE-9E55-32FBEEA293F8", true)]
    [InlineData("a_b", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("a.b", false)]
    [InlineData("a\n", false)]
    [InlineData("ａ", false)]
    public void Event_ids(string? text, bool isOne) => Assert.Equal(isOne, EventId.TryParse(text, out var id) && id.Value == text);

    [Theory]
    [InlineData("user_2abc", true)]
    [InlineData("auth0|5f/x#?% é😀", true)]
    [InlineData("", false)]
    [InlineData("  ", false)]
    [InlineData(null, false)]
    [InlineData("a\0b", false)]
    [InlineData("a\u0085b", false)]
    public void User_ids(string? text, bool isOne) => Assert.Equal(isOne, UserId.TryParse(text, out var user) && user.Value == text);

    // Not inline data, which does not carry them.
    [Fact]
    public void A_lone_surrogate_is_in_no_user_id()
        => Assert.All((string[])["a\ud800", "\udc00a", "\ud800\ud800\udc00", "\ud800a"], text => Assert.False(UserId.TryParse(text, out _)));

    [Fact]
    public void Lengths_are_bounded()
    {
        Assert.True(AppId.TryParse(new string('a', AppId.MaxLength), out _) && !AppId.TryParse(new string('a', AppId.MaxLength + 1), out _));
        Assert.True(EventId.TryParse(new string('a', EventId.MaxLength), out _) && !EventId.TryParse(new string('a', EventId.MaxLength + 1), out _));
        Assert.True(UserId.TryParse(new string('a', UserId.MaxLength), out _) && !UserId.TryParse(new string('a', UserId.MaxLength + 1), out _));
    }

    [Fact]
    public void An_id_that_was_never_set_has_no_value()
    {
        Assert.Throws<InvalidOperationException>(() => default(AppId).Value);
        Assert.Throws<InvalidOperationException>(() => default(EventId).Value);
        Assert.Throws<InvalidOperationException>(() => default(UserId).Value);
        Assert.Throws<FormatException>(() => AppId.Parse("a b"));
        Assert.Throws<FormatException>(() => EventId.Parse("a b"));
        Assert.Throws<FormatException>(() => UserId.Parse(""));
    }
}
