using System.Buffers;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Dequeue.WebPubSub.Tokens;

namespace Dequeue.WebPubSub.ServiceClient;

/// <summary>Signs each attempt of a call with the access key, for its full URL.</summary>
internal sealed class AccessKeyPolicy(AzureKeyCredential credential, TimeProvider time) : HttpPipelineSynchronousPolicy
{
    /// <summary>Life of a token for one call, as in the official client.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    /// <inheritdoc/>
    public override void OnSendingRequest(HttpMessage message)
    {
        var now = time.GetUtcNow();
        var payload = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(payload))
        {
            writer.WriteStartObject();
            writer.WriteString("aud"u8, message.Request.Uri.ToUri().AbsoluteUri);
            writer.WriteNumber("iat"u8, now.ToUnixTimeSeconds());
            writer.WriteNumber("exp"u8, (now + Life).ToUnixTimeSeconds());
            writer.WriteEndObject();
        }

        var token = JsonWebToken.Sign(Encoding.UTF8.GetBytes(credential.Key), payload.WrittenSpan);
        message.Request.Headers.SetValue(HttpHeader.Names.Authorization, $"Bearer {token}");
    }
}
