namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>The other side of a connection that sends so many bytes and then nothing, and takes so many and then nothing.</summary>
internal sealed class BlockedStream(int sends = 0, int takes = 0) : Stream
{
    private readonly TaskCompletionSource _blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _sends = sends;
    private int _takes = takes;

    /// <summary>Completes when nothing moves any more.</summary>
    public Task Blocked => _blocked.Task;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_sends == 0) await BlockAsync(cancellationToken);
        var count = Math.Min(_sends, buffer.Length);
        buffer.Span[..count].Fill((byte)' ');
        _sends -= count;
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if ((_takes -= buffer.Length) < 0) await BlockAsync(cancellationToken);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private Task BlockAsync(CancellationToken cancellationToken)
    {
        _blocked.TrySetResult();
        return Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }
}
