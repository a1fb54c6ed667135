// Every right that is given in this deployment, to whom, and for what. Nobody else gets any: no person, no pipeline.
// An assignment is named after its resource, the object id of who gets it, and the role. Its price: a what-if shows assignments only
// once the identities are there.
param functionsPrincipalId string
param eventLogAccount string
param hostAccount string
param pagesAccount string
param webPubSubName string
param componentName string
param usesScheduler bool
param schedulerName string
param taskHubName string
param withGateway bool
param gatewayPrincipalId string
param registryName string

var roleIds = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  webPubSubServiceOwner: '12cf5a90-567b-43ae-8102-96cf46c7d9b4'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  durableTaskDataContributor: '0ad04412-c4d5-4796-b79c-f76d14c8d402'
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
}

resource eventLog 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: eventLogAccount
}

resource host 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: hostAccount
}

resource pages 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: pagesAccount
}

resource webPubSub 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: webPubSubName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' existing = if (usesScheduler) {
  name: '${schedulerName}/${taskHubName}'
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' existing = if (withGateway) {
  name: registryName
}

// The event log: read and write rows, create the table. Nothing else is in that account.
resource functionsOnEventLog 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: eventLog
  name: guid(eventLog.id, functionsPrincipalId, roleIds.storageTableDataContributor)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds.storageTableDataContributor
    )
  }
}

// The pages that clients fetch by URL: put them there, delete them, and get the key that signs the URLs (a right of the account, not
// of a container). Nothing else is in that account.
resource functionsOnPages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: pages
  name: guid(pages.id, functionsPrincipalId, roleIds.storageBlobDataContributor)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds.storageBlobDataContributor
    )
  }
}

// The Functions host: its package, its locks, its timers' memory. The host asks for Owner of blobs, Contributor is not enough.
resource functionsOnHostBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: host
  name: guid(host.id, functionsPrincipalId, roleIds.storageBlobDataOwner)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.storageBlobDataOwner)
  }
}

// The durable backend on Azure Storage: queues for its steps, tables for its history.
resource functionsOnHostQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!usesScheduler) {
  scope: host
  name: guid(host.id, functionsPrincipalId, roleIds.storageQueueDataContributor)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds.storageQueueDataContributor
    )
  }
}

resource functionsOnHostTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!usesScheduler) {
  scope: host
  name: guid(host.id, functionsPrincipalId, roleIds.storageTableDataContributor)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds.storageTableDataContributor
    )
  }
}

// The durable backend on Durable Task Scheduler: one task hub.
resource functionsOnTaskHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (usesScheduler) {
  scope: taskHub
  name: guid(taskHub.id, functionsPrincipalId, roleIds.durableTaskDataContributor)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds.durableTaskDataContributor
    )
  }
}

// Web PubSub's REST calls: client tokens, sending to groups. No smaller role can do both.
resource functionsOnWebPubSub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: webPubSub
  name: guid(webPubSub.id, functionsPrincipalId, roleIds.webPubSubServiceOwner)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.webPubSubServiceOwner)
  }
}

// Telemetry: write only.
resource functionsOnTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: component
  name: guid(component.id, functionsPrincipalId, roleIds.monitoringMetricsPublisher)
  properties: {
    principalId: functionsPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds.monitoringMetricsPublisher
    )
  }
}

// The gateway: fetch its own image.
resource gatewayOnRegistry 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withGateway) {
  scope: registry
  name: guid(registry.id, gatewayPrincipalId, roleIds.acrPull)
  properties: {
    principalId: gatewayPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.acrPull)
  }
}
