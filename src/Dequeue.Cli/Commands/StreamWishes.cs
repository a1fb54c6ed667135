using System.CommandLine;
using System.Text;
using Dequeue.Client;
using Dequeue.Contracts.Pushing;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Cli.Commands;

/// <summary>The options of the stream, as docs/protocol.md tells them.</summary>
internal sealed class StreamWishes
{
    private const string Plain = "none";

    private readonly Option<string> _encoding = new("--encoding") { Description = "Encoding of the stream's batches", DefaultValueFactory = _ => BatchEncodings.Gzip };
    private readonly Option<int?> _window = new("--window") { Description = $"Most batches sent ahead of what is saved, 1 to {StreamRequest.MaxWindow}, or 0 for no bound; default about 5 MB" };
    private readonly Option<int> _batchSize = new("--batch-size") { Description = $"Most events of a batch, 1 to {StreamRequest.MaxBatchSize}", DefaultValueFactory = _ => StreamRequest.MaxBatchSize };
    private readonly Option<bool> _delta = new("--delta") { Description = "States as patches against the one before" };
    private readonly Option<bool> _references = new("--references") { Description = "A long history as URLs of stored pages" };
    private readonly Option<string[]> _priority = new("--priority") { Description = $"An entity whose events come first; up to {StreamPriority.MaxEntities} times" };
    private readonly Option<bool> _active = new("--active") { Description = "What the user is at comes first: the active stack and its tasks" };

    private readonly Option<bool> _compact = new("--compact")
    {
        Description = "Only the events that still matter: those that a later state supersedes stay away",
    };

    private readonly Option<string[]> _keep = new("--keep")
    {
        Description = $"With --compact: a type whose events all come; up to {StreamCompact.MaxTypes} times",
    };

    public void AddTo(Command command)
    {
        _encoding.AcceptOnlyFromAmong(BatchEncodings.Gzip, BatchEncodings.Brotli, BatchEncodings.Zstandard, Plain);
        ReadOnlySpan<Option> all = [_encoding, _window, _batchSize, _delta, _references, _priority, _active, _compact, _keep];
        foreach (var option in all) command.Options.Add(option);
    }

    public bool IsCompact(ParseResult parsed) => parsed.GetValue(_compact);

    public SyncOptions Read(ParseResult parsed, SyncOptions options)
    {
        var (window, batchSize, ids) = (parsed.GetValue(_window), parsed.GetValue(_batchSize), parsed.GetValue(_priority) ?? []);
        if (window is < 0 or > StreamRequest.MaxWindow) throw new UsageException($"--window is 0 to {StreamRequest.MaxWindow}.");
        if (batchSize is < 1 or > StreamRequest.MaxBatchSize) throw new UsageException($"--batch-size is 1 to {StreamRequest.MaxBatchSize}.");
        if (ids.Length > StreamPriority.MaxEntities || ids.Any(static id => id.Length == 0 || Encoding.UTF8.GetByteCount(id) > StreamPriority.MaxIdLength))
            throw new UsageException($"--priority is an id of 1 to {StreamPriority.MaxIdLength} bytes, up to {StreamPriority.MaxEntities} times.");
        var (active, compact, keep) = (parsed.GetValue(_active), parsed.GetValue(_compact), parsed.GetValue(_keep) ?? []);
        if (keep.Length > 0 && !compact) throw new UsageException("--keep belongs to --compact.");
        if (keep.Length > StreamCompact.MaxTypes || keep.Any(static type => type.Length is 0 or > PushLimits.MaxTypeLength))
            throw new UsageException($"--keep is a type of 1 to {PushLimits.MaxTypeLength} characters, up to {StreamCompact.MaxTypes} times.");
        return options with
        {
            Encodings = parsed.GetRequiredValue(_encoding) is var encoding and not Plain ? [encoding] : [],
            Window = window,
            BatchSize = batchSize,
            Delta = parsed.GetValue(_delta),
            References = parsed.GetValue(_references),
            Priority = active || ids.Length > 0 ? new StreamPriority(ids, active) : null,
            Compact = compact ? new StreamCompact { Keep = keep } : null,
        };
    }
}
