using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading.Channels;
using Dequeue.FunctionsHost.Durable;
using Dequeue.FunctionsHost.Rpc.Messages;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Rpc;

/// <summary>
/// A connected worker: one stream of messages each way. Control answers are matched by request id, invocations by invocation id;
/// both may overtake each other.
/// </summary>
internal sealed partial class WorkerChannel(string workerId, WorkerLogs logs, ILogger logger)
{
    /// <summary>What the worker is told of the host's version. It decides nothing; the real host that this one was compared with.</summary>
    private const string HostVersion = "4.1037.0";

    /// <summary>The capability that holds where the worker takes forwarded HTTP.</summary>
    private const string HttpUriCapability = "HttpUri";

    /// <summary>Between two looks whether the worker's web server listens.</summary>
    private static readonly TimeSpan ListeningTick = TimeSpan.FromMilliseconds(10);

    private readonly Channel<StreamingMessage> _outbound = Channel.CreateUnbounded<StreamingMessage>();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<StreamingMessage>> _answers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<InvocationResponse>> _invocations = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The name that it connected under.</summary>
    public string WorkerId => workerId;

    /// <summary>Ends when the worker is no longer connected.</summary>
    public Task Lost => _lost.Task;

    /// <summary>Where the worker takes forwarded HTTP, ending in no slash; null for an app without HTTP functions of ASP.NET Core.</summary>
    public string? HttpUri { get; private set; }

    /// <summary>Its functions, by name; empty until <see cref="LoadAsync"/> has ended.</summary>
    public IReadOnlyDictionary<string, FunctionDefinition> Functions { get; private set; } = new Dictionary<string, FunctionDefinition>();

    /// <summary>Carries messages until either side ends.</summary>
    public async Task RunAsync(
        IAsyncStreamReader<StreamingMessage> inbound, IServerStreamWriter<StreamingMessage> outbound, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var (reading, writing) = (ReadAsync(inbound, ending.Token), WriteAsync(outbound, ending.Token));
            await await Task.WhenAny(reading, writing);
            await ending.CancelAsync();
            await Task.WhenAll(reading, writing);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or Grpc.Core.RpcException)
        {
            // The worker's process has ended, or the host stops.
        }
        finally
        {
            await ending.CancelAsync();
            Lose();
        }
    }

    /// <summary>Initialises the worker, asks for its functions and has it load each.</summary>
    /// <exception cref="FunctionsHostException">It refuses; one sentence says why.</exception>
    /// <exception cref="WorkerLostException">It ended.</exception>
    public async Task LoadAsync(string appFolder, CancellationToken cancellationToken)
    {
        var init = new WorkerInitRequest { HostVersion = HostVersion, WorkerDirectory = appFolder, FunctionAppDirectory = appFolder };
        foreach (var capability in new[] { "V2Compatable", "RpcHttpTriggerMetadataRemoved", "HandlesInvocationCancelMessage" }) init.Capabilities[capability] = "true";
        var begun = (await AskAsync(new StreamingMessage { WorkerInitRequest = init }, cancellationToken)).WorkerInitResponse;
        Require(begun.Result, "The worker does not start");
        HttpUri = begun.Capabilities.TryGetValue(HttpUriCapability, out var uri) && uri.Length > 0 ? uri.TrimEnd('/') : null;

        var request = new FunctionsMetadataRequest { FunctionAppDirectory = appFolder };
        var metadata = (await AskAsync(new StreamingMessage { FunctionsMetadataRequest = request }, cancellationToken)).FunctionMetadataResponse;
        Require(metadata.Result, "The worker does not tell its functions");
        var functions = metadata.FunctionMetadataResults.Select(FunctionDefinition.Read).ToList();
        FunctionDefinition.RequireDistinct(functions);
        foreach (var function in functions)
        {
            var load = new FunctionLoadRequest { FunctionId = function.Id, Metadata = function.Metadata };
            var loaded = (await AskAsync(new StreamingMessage { FunctionLoadRequest = load }, cancellationToken)).FunctionLoadResponse;
            Require(loaded.Result, $"Function '{function.Name}' cannot be loaded");
        }

        if (HttpUri is not null) await UntilListeningAsync(new Uri(HttpUri), cancellationToken);
        Functions = functions.ToDictionary(function => function.Name, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Calls a function.</summary>
    /// <param name="request">The call; its invocation id is its own.</param>
    /// <param name="cancellationToken">Tells the function to stop; its answer is still waited for.</param>
    /// <exception cref="WorkerLostException">The worker ended meanwhile.</exception>
    public async Task<InvocationResponse> InvokeAsync(InvocationRequest request, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<InvocationResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        _invocations[request.InvocationId] = answer;
        if (Lost.IsCompleted) Lose();
        Send(new StreamingMessage { InvocationRequest = request });
        using var cancelling = cancellationToken.UnsafeRegister(
            _ => Send(new StreamingMessage { InvocationCancel = new InvocationCancel { InvocationId = request.InvocationId } }), null);
        return await answer.Task;
    }

    /// <summary>Asks the worker to end.</summary>
    public void Terminate(TimeSpan grace)
        => Send(new StreamingMessage
        {
            WorkerTerminate = new WorkerTerminate { GracePeriod = new WorkerTerminate.Types.Duration { Seconds = (long)grace.TotalSeconds } },
        });

    // The worker answers over gRPC before its web server listens.
    private static async Task UntilListeningAsync(Uri address, CancellationToken cancellationToken)
    {
        using var tick = new PeriodicTimer(ListeningTick);
        while (true)
        {
            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
                return;
            }
            catch (SocketException)
            {
                await tick.WaitForNextTickAsync(cancellationToken);
            }
        }
    }

    private static void Require(StatusResult? result, string what)
    {
        if (result?.Status != StatusResult.Types.Status.Success)
            throw new FunctionsHostException($"{what}: {result?.Exception?.Message ?? result?.Result ?? "it gives no reason."}");
    }

    private async Task<StreamingMessage> AskAsync(StreamingMessage question, CancellationToken cancellationToken)
    {
        question.RequestId = Guid.NewGuid().ToString();
        var answer = new TaskCompletionSource<StreamingMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        _answers[question.RequestId] = answer;
        if (Lost.IsCompleted) Lose();
        Send(question);
        return await answer.Task.WaitAsync(cancellationToken);
    }

    private void Send(StreamingMessage message) => _outbound.Writer.TryWrite(message);

    private async Task WriteAsync(IServerStreamWriter<StreamingMessage> outbound, CancellationToken cancellationToken)
    {
        // A write waits until its bytes are flushed, unless more come after it.
        var (flush, hold) = (new WriteOptions(), new WriteOptions(WriteFlags.BufferHint));
        while (await _outbound.Reader.WaitToReadAsync(cancellationToken))
        {
            while (_outbound.Reader.TryRead(out var message))
            {
                outbound.WriteOptions = _outbound.Reader.Count > 0 ? hold : flush;
                await outbound.WriteAsync(message, cancellationToken);
            }
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<StreamingMessage> inbound, CancellationToken cancellationToken)
    {
        while (await inbound.MoveNext(cancellationToken)) Take(inbound.Current);
    }

    private void Take(StreamingMessage message)
    {
        switch (message.ContentCase)
        {
            case StreamingMessage.ContentOneofCase.InvocationResponse:
                if (_invocations.TryRemove(message.InvocationResponse.InvocationId, out var invocation)) invocation.TrySetResult(message.InvocationResponse);
                break;
            case StreamingMessage.ContentOneofCase.RpcLog:
                logs.Write(message.RpcLog);
                break;
            default:
                if (_answers.TryRemove(message.RequestId, out var answer)) answer.TrySetResult(message);
                else LogUnknown(message.ContentCase);
                break;
        }
    }

    // May run twice, for what was added while it ran.
    private void Lose()
    {
        _lost.TrySetResult();
        _outbound.Writer.TryComplete();
        var lost = new WorkerLostException($"Worker {workerId} has ended.");
        foreach (var id in _answers.Keys)
        {
            if (_answers.TryRemove(id, out var answer)) answer.TrySetException(lost);
        }

        foreach (var id in _invocations.Keys)
        {
            if (_invocations.TryRemove(id, out var invocation)) invocation.TrySetException(lost);
        }
    }

    [LoggerMessage(1101, LogLevel.Debug, "The worker sent {Content}, which nobody asked for.")]
    private partial void LogUnknown(StreamingMessage.ContentOneofCase content);
}
