using Dequeue.Functions.Configuration;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Http;

/// <summary>Browsers ask before they call from another origin: <c>OPTIONS</c> of every REST call. It carries no token and needs none.</summary>
public sealed class PreflightFunctions(BackendSettings settings)
{
    /// <summary>For a named app.</summary>
    [Function("Preflight")]
    public IResult Preflight([HttpTrigger(AuthorizationLevel.Anonymous, "options", Route = "apps/{appId}/sync/{*call}")] HttpRequest request)
        => request.Preflight(settings.Origins);

    /// <summary>For the default app.</summary>
    [Function("PreflightForDefaultApp")]
    public IResult PreflightForDefaultApp([HttpTrigger(AuthorizationLevel.Anonymous, "options", Route = "v1/sync/{*call}")] HttpRequest request)
        => request.Preflight(settings.Origins);
}
