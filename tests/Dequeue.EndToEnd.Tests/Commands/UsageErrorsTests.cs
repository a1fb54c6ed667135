using System.CommandLine;
using Dequeue.Cli.Commands;

namespace Dequeue.EndToEnd.Tests.Commands;

/// <summary>What is wrong with a command line is said in one sentence that begins with what was meant.</summary>
public sealed class UsageErrorsTests
{
    private static readonly RootCommand Root = [DemoCommand.Create(), ServeCommand.Create(), TokenCommand.Create(), PushCommand.Create(), SyncCommand.Create(), CompletionCommand.Create()];

    [Theory]
    [InlineData("push --generate x", "--generate is a whole number up to 2147483647, which 'x' is not.")]
    [InlineData("push --generate 99999999999", "--generate is a whole number up to 2147483647, which '99999999999' is not.")]
    [InlineData("push --seed 1.5", "--seed is a whole number, which '1.5' is not.")]
    [InlineData("serve --port http", "--port is a whole number up to 2147483647, which 'http' is not.")]
    [InlineData("serve --port 70000", "--port is 0 to 65535.")]
    [InlineData("push --file", "--file wants a value.")]
    [InlineData("token", "Option '--user' is required.")]
    [InlineData("sync --encoding lzma", "--encoding is br or gzip or none or zstd, not 'lzma'.")]
    [InlineData("completion fish", "shell is bash or zsh, not 'fish'.")]
    [InlineData("", "A command is missing: demo, serve, token, push, sync, completion.")]
    [InlineData("serv", "'serv' is no command of dequeue. Did you mean serve?")]
    [InlineData("dmeo --exit", "'dmeo' is no command of dequeue. Did you mean demo?")]
    [InlineData("frobnicate", "'frobnicate' is no command of dequeue.")]
    [InlineData("serve --prot 1", "'--prot' is no option of serve. Did you mean --port?")]
    [InlineData("serve now", "'now' is one word too many for serve.")]
    public void A_wrong_word_is_named_in_one_sentence(string line, string sentence)
        => Assert.Equal(sentence, Assert.Single(UsageErrors.Of(Root.Parse(line))));

    [Fact]
    public void A_right_line_has_no_errors() => Assert.Empty(UsageErrors.Of(Root.Parse("push --generate 5 --token t")));
}
