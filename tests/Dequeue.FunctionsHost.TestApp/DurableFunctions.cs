namespace Dequeue.Local.TestApp;

public static class Orchestrators
{
    /// <summary>Three activities, one after the other.</summary>
    [Function("Chain")]
    public static async Task<string> Chain([OrchestrationTrigger] TaskOrchestrationContext context, string name)
    {
        var text = await context.CallActivityAsync<string>("Append", new Piece(name, "a"));
        text = await context.CallActivityAsync<string>("Append", new Piece(text, "b"));
        return await context.CallActivityAsync<string>("Append", new Piece(text, "c"));
    }

    /// <summary>A bit of everything; its outcome must not depend on where the process is killed.</summary>
    [Function("Script")]
    public static async Task<Outcome?> Script([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var round = context.GetInput<Round>() ?? new Round(1, []);
        Crash.Point(context);
        var steps = new List<string>(round.Steps) { await context.CallActivityAsync<string>("Effect", $"first{round.Number}") };
        Crash.Point(context);
        await context.CreateTimer(TimeSpan.FromMilliseconds(1), CancellationToken.None);
        Crash.Point(context);
        await context.CallActivityAsync("Ask", round.Number);
        Crash.Point(context);
        steps.Add(await context.WaitForExternalEvent<string>($"answer{round.Number}"));
        Crash.Point(context);
        steps.AddRange(await Task.WhenAll(
            Enumerable.Range(1, 2).Select(i => context.CallActivityAsync<string>("Effect", $"both{round.Number}.{i}"))));
        Crash.Point(context);
        var retry = TaskOptions.FromRetryPolicy(new RetryPolicy(3, TimeSpan.FromMilliseconds(1)));
        steps.Add(await context.CallActivityAsync<string>("FailsOnce", $"again{round.Number}", retry));
        Crash.Point(context);
        if (round.Number == 2)
        {
            return new Outcome(steps);
        }

        context.ContinueAsNew(new Round(round.Number + 1, steps));
        return null;
    }
}

public sealed class Activities(IConfiguration configuration, ScopeProbe probe)
{
    private static readonly Lock Effects = new();

    [Function("Append")]
    public static string Append([ActivityTrigger] Piece piece, FunctionContext context) =>
        context.Items["traced"] is "Append" ? piece.Text + piece.More : "the middleware was not run";

    [Function("Effect")]
    public string Effect([ActivityTrigger] string name)
    {
        Crash.Point();
        ObjectDisposedException.ThrowIf(probe.Disposed, probe);
        lock (Effects)
        {
            File.AppendAllText(configuration["Effects"]!, name + "\n");
        }

        Crash.Point();
        return name;
    }

    [Function("Ask")]
    public static async Task Ask([ActivityTrigger] int round, string instanceId, [DurableClient] DurableTaskClient client)
    {
        Crash.Point();
        await client.RaiseEventAsync(instanceId, $"ANSWER{round}", $"answer{round}");
        Crash.Point();
    }

    [Function("FailsOnce")]
    public string FailsOnce([ActivityTrigger] string name)
    {
        Crash.Point();
        var path = $"{configuration["Effects"]}.{name}";
        if (!File.Exists(path))
        {
            File.WriteAllText(path, "");
            throw new IOException("the first time");
        }

        return name;
    }
}

public sealed record Piece(string Text, string More);

public sealed record Round(int Number, IReadOnlyList<string> Steps);

public sealed record Outcome(IReadOnlyList<string> Steps);
