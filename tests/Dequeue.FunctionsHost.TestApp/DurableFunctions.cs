namespace Dequeue.FunctionsHost.TestApp;

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

    /// <summary>A bit of everything; its outcome must not depend on where the processes are killed.</summary>
    [Function("Script")]
    public static async Task<Outcome?> Script([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var round = context.GetInput<Round>() ?? new Round(1, []);
        Crash.Point(context);
        var steps = new List<string>(round.Steps) { await context.CallActivityAsync<string>("Effect", $"first{round.Number}") };
        Crash.Point(context);
        await context.CreateTimer(TimeSpan.FromMilliseconds(1), CancellationToken.None);
        Crash.Point(context);
        await context.CallActivityAsync("Ask", new Question(context.InstanceId, round.Number));
        Crash.Point(context);
        steps.Add(await context.WaitForExternalEvent<string>($"answer{round.Number}"));
        Crash.Point(context);
        steps.AddRange(await Task.WhenAll(
            Enumerable.Range(1, 2).Select(i => context.CallActivityAsync<string>("Effect", $"both{round.Number}.{i}"))));
        Crash.Point(context);
        var retry = TaskOptions.FromRetryPolicy(new RetryPolicy(3, TimeSpan.FromMilliseconds(1)));
        steps.Add(await context.CallActivityAsync<string>("FailsOnce", $"{context.InstanceId}.again{round.Number}", retry));
        Crash.Point(context);
        if (round.Number == 2) return new Outcome(steps);
        context.ContinueAsNew(new Round(round.Number + 1, steps));
        return null;
    }
}

public sealed class Activities(IConfiguration configuration, ScopeProbe probe)
{
    private static readonly Lock Effects = new();

    [Function("Append")]
    public static string Append([ActivityTrigger] Piece piece, FunctionContext context)
        => context.Items["traced"] is "Append" ? piece.Text + piece.More : "the middleware was not run";

    [Function("Effect")]
    public string Effect([ActivityTrigger] string name, string instanceId)
    {
        Crash.Point();
        ObjectDisposedException.ThrowIf(probe.Disposed, probe);
        lock (Effects)
        {
            File.AppendAllText(Path.Combine(configuration["Effects"]!, instanceId), name + "\n");
        }

        Crash.Point();
        return name;
    }

    [Function("Ask")]
    public static async Task Ask([ActivityTrigger] Question question, [DurableClient] DurableTaskClient client)
    {
        Crash.Point();
        await client.RaiseEventAsync(question.InstanceId, $"ANSWER{question.Round}", $"answer{question.Round}");
        Crash.Point();
    }

    [Function("FailsOnce")]
    public string FailsOnce([ActivityTrigger] string name)
    {
        Crash.Point();
        var path = Path.Combine(configuration["Effects"]!, name);
        if (File.Exists(path)) return name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        File.WriteAllText(path, "");
        throw new IOException("the first time");
    }
}

public sealed class DurableCalls
{
    [Function("StartChain")]
    public static async Task<IResult> StartChain(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "chain/{name}")] HttpRequest request,
        string name,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellationToken)
    {
        var id = await client.ScheduleNewOrchestrationInstanceAsync("Chain", name, cancellationToken);
        var done = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, cancellationToken);
        return Results.Text(done.SerializedOutput);
    }

    /// <summary>Starts the script, to be killed at a point.</summary>
    [Function("StartScript")]
    public static async Task<IResult> StartScript(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "script/{id}/{point:int}")] HttpRequest request,
        string id,
        int point,
        [DurableClient] DurableTaskClient client)
    {
        Crash.At(point);
        await client.ScheduleNewOrchestrationInstanceAsync("Script", new StartOrchestrationOptions(id));
        return Results.Text(id);
    }

    /// <summary>Answers when the script has come to its end.</summary>
    [Function("EndScript")]
    public static async Task<IResult> EndScript(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "script/{id}")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellationToken)
    {
        var done = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, cancellationToken);
        return Results.Text($"{done.RuntimeStatus} {done.SerializedOutput}");
    }
}

public sealed record Piece(string Text, string More);

public sealed record Question(string InstanceId, int Round);

public sealed record Round(int Number, IReadOnlyList<string> Steps);

public sealed record Outcome(IReadOnlyList<string> Steps);
