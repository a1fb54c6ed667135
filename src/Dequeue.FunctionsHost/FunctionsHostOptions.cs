using System.Net.Security;
using Dequeue.FunctionsHost.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost;

/// <summary>An app to run, and how.</summary>
public sealed record FunctionsHostOptions
{
    /// <summary>The folder of the published app: <c>host.json</c>, <c>worker.config.json</c> and its assemblies.</summary>
    public required string AppFolder { get; init; }

    /// <summary>Starts the app's worker; null for a child process, as the folder's <c>worker.config.json</c> says.</summary>
    public IWorkerLauncher? Worker { get; init; }

    /// <summary>Where HTTP functions answer. Port 0 is any free one. <c>https</c> needs a <see cref="Certificate"/>.</summary>
    public Uri Listen { get; init; } = new("http://127.0.0.1:7071");

    /// <summary>The certificate of <c>https</c>, asked for with each connection, so that a renewed one needs no new start.</summary>
    public Func<SslStreamCertificateContext>? Certificate { get; init; }

    /// <summary>One more port, of 127.0.0.1 and without TLS, for what runs on this machine; 0 for any free one; null for none. What is meant
    /// for it alone, <see cref="Front"/> keeps away from <see cref="Listen"/>.</summary>
    public int? LocalPort { get; init; }

    /// <summary>Where durable instances (<c>durable.db</c>) and the state of timers are kept; made if missing.</summary>
    public string StateFolder { get; init; } = ".dequeue";

    /// <summary>Settings of the app: environment variables of the worker, before those of this process and of local.settings.json.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>The clock of timers and durable instances.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where the host's and the worker's log lines go; null for nowhere.</summary>
    public Action<ILoggingBuilder>? Logging { get; init; }

    /// <summary>Services of what <see cref="Front"/> puts in front.</summary>
    public Action<IServiceCollection>? FrontServices { get; init; }

    /// <summary>What sees HTTP requests before the functions do: a gateway, for one.</summary>
    public Action<IApplicationBuilder>? Front { get; init; }
}
