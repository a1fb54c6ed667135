namespace Azure.Messaging.WebPubSub;

/// <summary>The protocol that a client access URL is for. Of the service embedded here only <see cref="Default"/>.</summary>
public enum WebPubSubClientProtocol
{
    /// <summary>Web PubSub's own: <c>/client/hubs/{hub}</c>.</summary>
    Default = 0,

    /// <summary>MQTT: <c>/clients/mqtt/hubs/{hub}</c>.</summary>
    Mqtt = 1,

    /// <summary>Socket.IO: <c>/clients/socketio/hubs/{hub}</c>.</summary>
    SocketIO = 2,
}
