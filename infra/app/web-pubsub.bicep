// The service that holds the clients' WebSockets. Its access keys are off: the functions reach it with their identity, and it
// reaches them with its own. Limits: docs/capacity.md.
param location string
param tags object
param name string
param skuName string
param units int
param workspaceId string

resource service 'Microsoft.SignalRService/webPubSub@2024-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'WebPubSub'
  sku: {
    name: skuName
    capacity: units
  }
  // It signs the events for our handler. No role is ever given to it, so that its token opens nothing else.
  identity: { type: 'SystemAssigned' }
  properties: {
    disableLocalAuth: true
    disableAadAuth: false
    publicNetworkAccess: 'Enabled'
    tls: { clientCertEnabled: false }
    // Lines about connections, and about messages: their ids and ways, never what is in them. Not a line or two for each REST call:
    // every batch and every question is one, and what is wrong with a call its caller knows.
    resourceLogConfiguration: {
      categories: [
        { name: 'ConnectivityLogs', enabled: 'true' }
        { name: 'MessagingLogs', enabled: 'true' }
        { name: 'HttpRequestLogs', enabled: 'false' }
      ]
    }
  }
}

// The newest version that knows `logs` is a preview one; the stable one of 2016 does not.
#disable-next-line use-recent-api-versions
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: service
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    // Into tables of their own, WebPubSubConnectivity and WebPubSubMessaging, instead of the shared AzureDiagnostics.
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      { category: 'ConnectivityLogs', enabled: true }
      { category: 'MessagingLogs', enabled: true }
    ]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output endpoint string = 'https://${service.properties.hostName}'
output principalId string = service.identity.principalId
