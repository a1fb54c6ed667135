using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dequeue.Client.Hosting;

/// <summary>Watches and hands out, and flushes beside it, as long as the app runs.</summary>
internal sealed partial class SyncService(
    SyncManager sync, IEventStore store, IEnumerable<ISyncEventHandler> handlers, IOptions<DequeueSyncOptions> options, TimeProvider time,
    ILogger<SyncService> logger) : BackgroundService
{
    private readonly ISyncEventHandler[] _handlers = [.. handlers];

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(WatchAsync(stoppingToken), FlushAsync(stoppingToken));

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (options.Value.Watch && !cancellationToken.IsCancellationRequested)
        {
            try
            {
                var events = store is IConsumerStore ? sync.WatchAsync(options.Value.Consumer, cancellationToken) : sync.WatchAsync(cancellationToken);
                await foreach (var next in events.ConfigureAwait(false))
                {
                    foreach (var handler in _handlers) await handler.HandleAsync(next, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A background service that ends takes the app with it: a handler's fault, a full disk and a refused user are told, and tried again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                LogEnded(e);
                await WaitAsync(options.Value.RestartInterval, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (store is not IPushQueue queue) return;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (await queue.CountAsync(cancellationToken).ConfigureAwait(false) > 0)
                {
                    var result = await sync.FlushAsync(null, cancellationToken).ConfigureAwait(false);
                    if (result.Failure is { } failure) LogPending(result.Pending, failure.ToString());
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // As above.
            catch (Exception e)
#pragma warning restore CA1031
            {
                LogNotFlushed(e);
            }

            await WaitAsync(options.Value.FlushInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
        => await Task.Delay(wait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    [LoggerMessage(4101, LogLevel.Error, "The watch ended; it begins again in a while")]
    private partial void LogEnded(Exception exception);

    [LoggerMessage(4102, LogLevel.Information, "{Pending} events still wait to be pushed: {Why}")]
    private partial void LogPending(long pending, string why);

    [LoggerMessage(4103, LogLevel.Error, "The queue could not be sent; it is tried again")]
    private partial void LogNotFlushed(Exception exception);
}
