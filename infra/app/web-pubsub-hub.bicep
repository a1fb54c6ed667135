// The hub that clients connect to, and the function that hears of them.
param webPubSubName string
param functionsHostName string
param eventAudience string

resource service 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: webPubSubName
}

resource hub 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: service
  name: 'sync'
  properties: {
    anonymousConnectPolicy: 'deny'
    webSocketKeepAliveIntervalInSeconds: 20
    eventHandlers: [
      {
        urlTemplate: 'https://${functionsHostName}/webpubsub/events'
        userEventPattern: '*'
        // `connected` is left out: nothing happens there that `connect` has not done, and each event costs a call.
        systemEvents: [
          'connect'
          'disconnected'
        ]
        auth: {
          type: 'ManagedIdentity'
          managedIdentity: { resource: eventAudience }
        }
      }
    ]
  }
}
