using Azure.Core;
using Azure.Core.Pipeline;

namespace Dequeue.WebPubSub.ServiceClient;

/// <summary>The pipeline of Azure's clients with its defaults, over this process's own connections.</summary>
internal sealed class ServicePipelineOptions : ClientOptions
{
    /// <summary>Options for calls to an endpoint.</summary>
    public ServicePipelineOptions(Uri endpoint) => Transport = ServiceTransport.For(endpoint);

    /// <summary>A pipeline whose calls are authorised by a policy.</summary>
    public static HttpPipeline Build(Uri endpoint, HttpPipelinePolicy authorization)
        => HttpPipelineBuilder.Build(new ServicePipelineOptions(endpoint), authorization);
}
