using System.Globalization;

namespace Dequeue.FunctionsHost.Workers;

/// <summary>What a worker is started with.</summary>
/// <param name="Host">The host's gRPC endpoint, on this machine.</param>
/// <param name="WorkerId">The name that it connects under; known to host and worker alone.</param>
/// <param name="AppFolder">The app's folder.</param>
/// <param name="Environment">The app's settings, as environment variables.</param>
public sealed record WorkerStart(Uri Host, string WorkerId, string AppFolder, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>No message between host and worker is too long.</summary>
    private static readonly string MaxMessageLength = int.MaxValue.ToString(CultureInfo.InvariantCulture);

    /// <summary>The command line of a worker: old names and new ones, as the Functions host gives them.</summary>
    public IReadOnlyList<string> Arguments =>
    [
        "--host", Host.Host, "--port", Host.Port.ToString(CultureInfo.InvariantCulture), "--workerId", WorkerId, "--requestId", WorkerId,
        "--grpcMaxMessageLength", MaxMessageLength,
        "--functions-uri", Host.AbsoluteUri, "--functions-worker-id", WorkerId, "--functions-request-id", WorkerId,
        "--functions-grpc-max-message-length", MaxMessageLength,
    ];
}
