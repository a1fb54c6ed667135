using System.Text.RegularExpressions;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.Site.Tests;

public sealed class SignInTests(Backend backend, Browser browser)
{
    [Fact]
    public async Task A_pasted_token_opens_the_history_and_is_kept_in_this_tab_alone()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(12);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);

        await visitor.SeesAsync("#total-events", new Regex("^12$"));
        await visitor.SeesAsync("#user", user.Id.Value);
        Assert.Equal(user.Token, await visitor.Page.EvaluateAsync<string>("sessionStorage.getItem('dequeue.token')"));
        Assert.Equal(0, await visitor.Page.EvaluateAsync<int>("localStorage.length + document.cookie.length"));

        await visitor.Page.ReloadAsync();
        await visitor.SeesAsync("#total-events", new Regex("^12$"));
        await visitor.PressAsync("Sign out");
        Assert.Null(await visitor.Page.EvaluateAsync<string?>("sessionStorage.getItem('dequeue.token')"));
        Assert.False(await visitor.Page.Locator("#workspace").IsVisibleAsync());
    }

    [Fact]
    public async Task A_link_with_a_token_signs_in_and_syncs_at_once_and_the_token_is_in_no_URL_afterwards()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(12);
        await using var visitor = await browser.VisitAsync(backend.Address, "#token=" + user.Token);
        await visitor.SeesLiveAsync();
        await visitor.SeesAsync("#fresh", "Complete: 12 events");

        Assert.Equal(backend.Address.AbsoluteUri, visitor.Page.Url);
        Assert.Contains(visitor.Urls, url => url.Contains("/client/hubs/sync", StringComparison.Ordinal));
        Assert.All(visitor.Urls.Where(url => !url.Contains("#token=", StringComparison.Ordinal)), url => Assert.DoesNotContain(user.Token, url, StringComparison.Ordinal));
        await visitor.Page.GoBackAsync();
        Assert.DoesNotContain(user.Token, visitor.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_token_and_an_expired_one_are_said_clearly_and_forgotten()
    {
        var user = backend.NewUser();
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SubmitAsync("not.a.token", visitor.Banner);
        await visitor.SeesAsync("#banner", "The token is not valid, or it has expired.");

        await visitor.SubmitAsync(backend.Token(user.Id, "dequeue", TimeSpan.FromMinutes(-10)), visitor.Banner);
        await visitor.SeesAsync("#banner", "The token expired on");

        await visitor.SubmitAsync(backend.Token(user.Id, "other.app", TimeSpan.FromMinutes(10)), visitor.Banner);
        await visitor.SeesAsync("#banner", "The token does not open this app.");
        Assert.Equal(0, await visitor.Page.EvaluateAsync<int>("sessionStorage.length"));

        await visitor.SignInAsync(user.Token);
        Assert.False(await visitor.Banner.IsVisibleAsync());
    }
}
