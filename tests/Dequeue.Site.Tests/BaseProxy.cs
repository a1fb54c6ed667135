using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Dequeue.Site.Tests;

/// <summary>A proxy that has a server at its own address, under a path or beside an app's files.</summary>
internal sealed class BaseProxy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private BaseProxy(WebApplication app, HttpClient http) => (_app, _http) = (app, http);

    public Uri Address { get; private set; } = null!;

    /// <summary>Starts one.</summary>
    /// <param name="server">Where the calls go.</param>
    /// <param name="below">The path under which they are: nothing, or <c>/base</c>.</param>
    /// <param name="map">What else is there.</param>
    public static async Task<BaseProxy> StartAsync(Uri server, string below = "", Action<IEndpointRouteBuilder>? map = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var proxy = new BaseProxy(app, new HttpClient { BaseAddress = server });
        app.Map(below + "/{**path}", proxy.PassAsync);
        map?.Invoke(app);
        await app.StartAsync();
        proxy.Address = new Uri(app.Urls.First() + below + "/");
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private async Task PassAsync(HttpContext context)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), context.Request.RouteValues["path"] as string ?? "");
        if (context.Request.ContentLength > 0)
        {
            request.Content = new StreamContent(context.Request.Body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(context.Request.ContentType!);
        }

        if (context.Request.Headers.Authorization is [{ } token]) request.Headers.Authorization = AuthenticationHeaderValue.Parse(token);
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
            if (!name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase)) context.Response.Headers[name] = values.ToArray();
        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
