using System.Diagnostics;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Dequeue.Functions.Telemetry;

/// <summary>
/// Where traces and metrics go: to Azure Monitor when <c>APPLICATIONINSIGHTS_CONNECTION_STRING</c> is set, over OTLP when
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is, nowhere by default; metrics also to whoever asks <see cref="MetricsFunction"/>. Logs go through the host, which has exporters of its own: sent from
/// here too, they would arrive twice.
/// </summary>
internal static class Exporters
{
    private const string AzureMonitorKey = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    private const string AzureMonitorIdentityKey = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
    /// <summary>The meter of .NET itself: memory, collections, threads.</summary>
    private const string Runtime = "System.Runtime";

    private const string OtlpKey = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Ours; the worker's and the durable extension's, which lie between the host's spans and ours; outgoing calls.</summary>
    private static readonly string[] Sources = [SyncTelemetry.Name, "Microsoft.Azure.Functions.Worker", "Microsoft.DurableTask", "System.Net.Http"];

    public static void AddExporters(this IServiceCollection services, IConfiguration configuration)
    {
        var azureMonitor = configuration[AzureMonitorKey] is { Length: > 0 } connection ? connection : null;
        var hasOtlp = configuration[OtlpKey] is { Length: > 0 };
        var hasPrometheus = configuration[OperatorToken.Setting] is { Length: > 0 };
        if (azureMonitor is null && !hasOtlp && !hasPrometheus) return;

        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("dequeue-functions", serviceInstanceId: Environment.MachineName))
            .WithTracing(tracing =>
            {
                if (azureMonitor is null && !hasOtlp) return; // nobody would see the spans
                tracing.AddSource(Sources).AddProcessor(new WithoutPersonalData());
                if (azureMonitor is not null) tracing.AddAzureMonitorTraceExporter(To);
                if (hasOtlp) tracing.AddOtlpExporter();
            })
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(SyncTelemetry.Name);
                if (azureMonitor is not null) metrics.AddAzureMonitorMetricExporter(To);
                if (hasOtlp) metrics.AddOtlpExporter();
                if (hasPrometheus) metrics.AddMeter(Runtime).AddPrometheusExporter();
            });

        void To(AzureMonitorExporterOptions options)
        {
            options.ConnectionString = azureMonitor;
            if (configuration[AzureMonitorIdentityKey] is { Length: > 0 }) options.Credential = new DefaultAzureCredential();
        }
    }

    /// <summary>
    /// The paths of outgoing calls name users: partitions of the event log, groups of live devices. Only the host stays.
    /// </summary>
    private sealed class WithoutPersonalData : BaseProcessor<Activity>
    {
        private const string FullUrl = "url.full";

        public override void OnEnd(Activity data)
        {
            if (data.GetTagItem(FullUrl) is not string text) return;
            data.SetTag(FullUrl, Uri.TryCreate(text, UriKind.Absolute, out var url) ? url.GetLeftPart(UriPartial.Authority) : null);
        }
    }
}
