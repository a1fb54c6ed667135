using Dequeue.Functions.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Telemetry;

/// <summary>The metrics of this process for Prometheus. For operators alone: there is nothing here while <c>Operator__Token</c> is unset.</summary>
public sealed class MetricsFunction
{
    private readonly OperatorToken? _token;
    private readonly RequestDelegate? _scrape;

    /// <summary>Prepares what answers, when there is a token.</summary>
    public MetricsFunction(IConfiguration configuration, IServiceProvider services)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        if (configuration[OperatorToken.Setting] is not { Length: > 0 } token) return;
        _token = new OperatorToken(token);
        var pipeline = new ApplicationBuilder(services);
        pipeline.UseOpenTelemetryPrometheusScrapingEndpoint(static _ => true);
        _scrape = pipeline.Build();
    }

    /// <summary><c>GET /metrics</c>, with the operator's token as a bearer.</summary>
    [Function("Metrics")]
    public IResult Metrics([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "metrics")] HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (_token is null || _scrape is null) return Results.NotFound();
        return _token.IsShownBy(request) ? new Scrape(_scrape) : Problems.Unauthenticated(request.Headers.Authorization.ToString().Length > 0);
    }

    private sealed class Scrape(RequestDelegate scrape) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => scrape(httpContext);
    }
}
