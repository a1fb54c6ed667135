using System.Net;

namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary>A body that is sent in two parts, the second when a test allows it.</summary>
internal sealed class PartedContent(int partLength, Task second) : HttpContent
{
    /// <summary>Whether any of it was asked for.</summary>
    public bool IsBegun { get; private set; }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        IsBegun = true;
        await stream.WriteAsync(new byte[partLength]);
        await stream.FlushAsync();
        await second;
        await stream.WriteAsync(new byte[partLength]);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 2L * partLength;
        return true;
    }
}
