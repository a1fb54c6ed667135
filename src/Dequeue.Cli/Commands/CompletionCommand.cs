using System.CommandLine;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue completion</c>: a shell script that completes commands and options.</summary>
internal static class CompletionCommand
{
    // The program itself knows what may follow: the shell hands it the line without the program's name, and the cursor in it.
    private const string Bash = """
        _dequeue() {
          local line=${COMP_LINE#* } skipped
          skipped=$((${#COMP_LINE} - ${#line}))
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$((COMP_POINT - skipped))]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _dequeue dequeue
        """;

    private const string Zsh = "autoload -U +X bashcompinit && bashcompinit\n" + Bash;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash or zsh" };
        shell.AcceptOnlyFromAmong("bash", "zsh");
        var command = new Command("completion", "Prints a script that completes commands and options.\n\nExample: source <(dequeue completion bash)") { shell };
        command.SetAction(parsed =>
        {
            Console.WriteLine(parsed.GetValue(shell) == "zsh" ? Zsh : Bash);
            return 0;
        });
        return command;
    }
}
