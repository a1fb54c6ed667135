using Dequeue.Contracts;
using Dequeue.Functions.Live;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Live;

public sealed class AbsentUsersTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);
    private static readonly LogKey Ada = Log("ada");

    private readonly FakeTimeProvider _clock = new();
    private readonly AbsentUsers _absent;

    public AbsentUsersTests() => _absent = new AbsentUsers(_clock);

    [Fact]
    public void An_absence_is_believed_for_seconds_and_of_that_user_alone()
    {
        Assert.False(_absent.Has(Ada));
        _absent.Add(Ada);
        Assert.True(_absent.Has(Ada));
        Assert.False(_absent.Has(Log("bob")));
        Assert.False(_absent.Has(new LogKey(AppId.Parse("other.app"), Ada.User)));

        _clock.Advance(AbsentUsers.Memory - Moment);
        Assert.True(_absent.Has(Ada));
        _clock.Advance(Moment);
        Assert.False(_absent.Has(Ada));
    }

    [Fact]
    public void Who_is_about_to_connect_is_not_absent_even_when_the_answer_before_it_comes_late()
    {
        _absent.Add(Ada);
        _absent.Expect(Ada);
        Assert.False(_absent.Has(Ada));
        _absent.Add(Ada);
        Assert.False(_absent.Has(Ada));

        _clock.Advance(AbsentUsers.Handshake);
        Assert.False(_absent.Has(Ada));
        _absent.Add(Ada);
        Assert.True(_absent.Has(Ada));
    }

    [Fact]
    public void It_holds_no_more_users_than_it_may_and_forgets_the_old_ones_for_new_ones()
    {
        var many = Enumerable.Range(0, 10_001).Select(i => Log($"user-{i}")).ToList();
        foreach (var log in many) _absent.Add(log);
        Assert.True(_absent.Has(many[9_999]));
        Assert.False(_absent.Has(many[10_000]));

        _clock.Advance(AbsentUsers.Memory);
        _absent.Add(many[10_000]);
        Assert.True(_absent.Has(many[10_000]));
    }

    private static LogKey Log(string user) => new(AppId.Parse("dequeue"), UserId.Parse(user));
}
