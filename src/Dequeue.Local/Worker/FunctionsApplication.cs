using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Dequeue.Local.Worker;

/// <summary>Where a Functions app begins.</summary>
[SuppressMessage("Design", "CA1052:Static holder types should be Static or NotInheritable", Justification = "The official type is neither.")]
public class FunctionsApplication
{
    /// <summary>
    /// A builder for the app whose functions are in the calling assembly. Reads host.json beside that assembly, the
    /// <c>Values</c> of local.settings.json, and the environment, which wins over both.
    /// </summary>
    /// <param name="args">
    /// The command line: <c>--port N</c>, <c>--urls U</c>, or any <c>--Key value</c> of the configuration.
    /// </param>
    /// <exception cref="InvalidOperationException">A function is declared in a way that cannot work; one sentence says which and why.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static FunctionsApplicationBuilder CreateBuilder(string[] args) => new(args, Assembly.GetCallingAssembly());
}
