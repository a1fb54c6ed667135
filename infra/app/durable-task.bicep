// Durable Task Scheduler with one task hub: the alternative to the Azure Storage backend.
// Limits: Consumption 500 actions a second; Dedicated 2,000 a second and 50 GB a capacity unit. A stream of w windows takes
// 5 + 2w actions.
param location string
param tags object
param name string
param taskHubName string

@allowed([
  'Consumption'
  'Dedicated'
])
param skuName string

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: skuName == 'Dedicated' ? { name: skuName, capacity: 1 } : { name: skuName }
    // An empty list lets nobody in. Callers are checked by Entra; there are no keys.
    ipAllowlist: ['0.0.0.0/0']
    publicNetworkAccess: 'Enabled'
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = {
  parent: scheduler
  name: taskHubName
  properties: {}
}

output endpoint string = scheduler.properties.endpoint
output connection string = 'Endpoint=${scheduler.properties.endpoint};Authentication=ManagedIdentity'
