namespace Dequeue.Cli.Operating;

/// <summary>How a server is, as <c>GET /operator/status</c> answers.</summary>
/// <param name="Version">Its version.</param>
/// <param name="At">When it was asked, in UTC.</param>
/// <param name="UptimeSeconds">Since its start.</param>
/// <param name="Connections">Clients of Web PubSub that are connected.</param>
/// <param name="Streams">Streams since the start, and now.</param>
/// <param name="PushedEvents">Events that were stored since the start of the worker.</param>
/// <param name="StorageFailures">Calls of the storage that failed since then.</param>
/// <param name="MemoryBytes">Working set of the server and its worker.</param>
/// <param name="Files">Bytes of its files: the logs in <c>events.db</c>, running streams in <c>durable.db</c>.</param>
/// <param name="FreeBytes">Free space of the data folder's disk.</param>
/// <param name="Recent">The last warnings and errors, newest first.</param>
internal sealed record ServerStatus(
    string Version, string At, long UptimeSeconds, int Connections, StreamCounts Streams, long PushedEvents, long StorageFailures, long MemoryBytes,
    IReadOnlyDictionary<string, long> Files, long FreeBytes, IReadOnlyList<LogLine> Recent);

/// <summary>Streams, by what became of them.</summary>
/// <param name="Running">That run now.</param>
/// <param name="Started">That were announced to their client, since the start of the worker.</param>
/// <param name="Completed">That reached their end.</param>
/// <param name="Failed">That ended otherwise, refused requests among them.</param>
/// <param name="Left">Whose client went away; part of <paramref name="Failed"/>.</param>
internal sealed record StreamCounts(int Running, long Started, long Completed, long Failed, long Left);
