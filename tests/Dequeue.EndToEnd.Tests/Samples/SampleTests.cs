using System.Diagnostics;
using System.Text;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Samples;

/// <summary>The samples do what they say, against a whole backend.</summary>
public sealed class SampleTests(Backend backend) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-samples-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_to_do_list_works_offline_survives_a_restart_and_follows_live()
    {
        using var todo = Start("Todo", "Dequeue.Samples.Todo", backend.Address.AbsoluteUri, backend.NewUser().Token, _folder);

        var output = await todo.StandardOutput.ReadToEndAsync(Cancelled);
        await todo.WaitForExitAsync(Cancelled);

        Assert.Equal(
            """
            phone, offline: Water the plants, Pay the rent (2 wait)
            phone, online: 2 sent
            laptop, first sync: Water the plants, Pay the rent
            phone, live: Water the plants, Call the dentist

            """,
            output);
        Assert.Equal(0, todo.ExitCode);
    }

    [Fact]
    public async Task The_first_app_on_two_devices_shows_each_the_tasks_of_both()
    {
        var user = backend.NewUser();
        using var phone = Start("FirstApp", "FirstApp", backend.Address.AbsoluteUri, user.Token, "phone");
        Assert.Equal("Sent: 1 acknowledged, 0 rejected, 0 pending.", await phone.StandardOutput.ReadLineAsync(Cancelled));
        Assert.EndsWith(": A task of phone", await phone.StandardOutput.ReadLineAsync(Cancelled), StringComparison.Ordinal);
        using var laptop = Start("FirstApp", "FirstApp", backend.Address.AbsoluteUri, user.Token, "laptop");
        var live = await phone.StandardOutput.ReadLineAsync(Cancelled);
        var lines = new StringBuilder();
        for (var i = 0; i < 3; i++) lines.AppendLine(await laptop.StandardOutput.ReadLineAsync(Cancelled));
        phone.Kill();
        laptop.Kill();

        Assert.EndsWith(": A task of laptop", live, StringComparison.Ordinal);
        Assert.Contains(": A task of phone", lines.ToString(), StringComparison.Ordinal);
        Assert.Contains(": A task of laptop", lines.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_to_do_list_says_in_a_sentence_that_it_wants_a_new_folder_a_new_user_and_a_good_token()
    {
        var user = backend.NewUser();
        var used = await RunAsync("Todo", "Dequeue.Samples.Todo", backend.Address.AbsoluteUri, user.Token, _folder);
        Assert.Equal((0, ""), used);
        var (again, empty) = (Path.Combine(_folder, "again"), Path.Combine(_folder, "empty"));

        Assert.Equal(
            (1, $"The folder {_folder} has tasks already (Water the plants, Call the dentist): the story begins with an empty one.\n"),
            await RunAsync("Todo", "Dequeue.Samples.Todo", backend.Address.AbsoluteUri, user.Token, _folder));
        Assert.Equal(
            (1, "The user has tasks already (Water the plants, Call the dentist, Water the plants, Pay the rent): the story begins with a new one.\n"),
            await RunAsync("Todo", "Dequeue.Samples.Todo", backend.Address.AbsoluteUri, user.Token, again));
        var (code, errors) = await RunAsync("Todo", "Dequeue.Samples.Todo", backend.Address.AbsoluteUri, "no-token", empty);
        Assert.Equal(1, code);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((2, "Todo <server> <token> [folder]\n"), await RunAsync("Todo", "Dequeue.Samples.Todo"));
    }

    [Fact]
    public async Task The_first_app_says_in_a_sentence_that_its_token_is_refused()
    {
        var (code, errors) = await RunAsync("FirstApp", "FirstApp", backend.Address.AbsoluteUri, "no-token", "phone");

        Assert.Equal(1, code);
        Assert.Contains("oken", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal((2, "FirstApp <server> <token> <device>\n"), await RunAsync("FirstApp", "FirstApp", "here"));
    }

    private async Task<(int Code, string Errors)> RunAsync(string sample, string assembly, params string[] arguments)
    {
        using var run = Start(sample, assembly, arguments);
        var output = run.StandardOutput.ReadToEndAsync(Cancelled);
        var errors = await run.StandardError.ReadToEndAsync(Cancelled);
        await output;
        await run.WaitForExitAsync(Cancelled);
        return (run.ExitCode, errors);
    }

    // Where it was built, with the frameworks that it asks for.
    private Process Start(string sample, string assembly, params string[] arguments)
    {
        var (framework, configuration) = (new DirectoryInfo(AppContext.BaseDirectory), new DirectoryInfo(AppContext.BaseDirectory).Parent!);
        var built = Repository.File("samples", sample, "bin", configuration.Name, framework.Name, assembly + ".dll");
        return Process.Start(new ProcessStartInfo("dotnet", [built, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder })!;
    }
}
