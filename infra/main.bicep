// The sync backend in one resource group: `azd up` deploys this file with main.parameters.json.
// Prices in comments are list prices in US dollars, East US, and are rounded: docs/capacity.md has their sources and dates.
targetScope = 'subscription'

@description('Name of the azd environment; part of the resource group name and a tag on everything.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region. It must offer Flex Consumption, Web PubSub and, for the default storage, availability zones.')
@minLength(1)
param location string

@description('Issuer of the tokens that clients bring: the https URL of an OpenID Connect issuer.')
@minLength(8)
param authAuthority string

@description('Audience that those tokens must name.')
@minLength(1)
param authAudience string

@description('Claim that limits a token to one app. A token without it opens every app of syncApps.')
param authAppClaim string = 'app'

@description('Comma list of the app ids of this deployment. The first one is what the /v1 routes mean.')
param syncApps string = 'dequeue'

@description('Sustained calls per second of one user of one app, counted per instance.')
@minValue(1)
param callsPerSecond int = 200

// Web PubSub ---------------------------------------------------------------------------------------------------------------

@description('Free_F1: 20 connections and 20,000 messages of 2 KB a day, no cost. Standard_S1: 1,000 connections a unit and 1,000,000 messages a unit and day included, about 1.61 a unit and day, then 1 per million. Premium_P1: about 2 a unit and day, with availability zones and custom domains.')
@allowed([
  'Free_F1'
  'Standard_S1'
  'Premium_P1'
])
param webPubSubSku string = 'Standard_S1'

@description('Units: 1,000 concurrent connections each. Free_F1 has one.')
@allowed([
  1
  2
  5
  10
  20
  50
  100
])
param webPubSubUnits int = 1

@description('Audience of the token that Web PubSub brings to the event handler. The default needs no app registration; an App ID URI of your own tenant can replace it. See docs/security.md.')
@minLength(1)
param webPubSubEventAudience string = 'https://webpubsub.azure.com'

// Function App -------------------------------------------------------------------------------------------------------------

@description('Memory of an instance in MB; it also decides its share of a core. On demand, a second of one instance costs memory in GB x 0.000026.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Most instances, of all kinds together: the upper end of what a flood of calls can cost.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Calls that one HTTP instance answers at once. A push holds up to 4 MB of body, a stream a few pages of 1 MB: 50 of them stay below 1 GB.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 50

@description('HTTP instances that never sleep. 0 costs nothing when idle and makes the first call after a pause wait for a cold start.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 0

@description('Instances for durable steps that never sleep. Only histories of more than 20,000 events use them; with 0 the first such stream after a pause waits for the scale controller (10 s) and a cold start. Microsoft recommends 1 for durable functions on this plan.')
@minValue(0)
@maxValue(20)
param alwaysReadyDurable int = 0

@description('azureStorage: queues and tables of the host account, pay per operation. durableTaskScheduler: faster steps, but the app must be built with another package first. See docs/decisions/0010-durable-backend.md.')
@allowed([
  'azureStorage'
  'durableTaskScheduler'
])
param durableBackend string = 'azureStorage'

@description('Consumption: pay per action, 500 actions a second, 30 days of history. Dedicated: one capacity unit, 2,000 actions a second, a fixed monthly price.')
@allowed([
  'Consumption'
  'Dedicated'
])
param durableTaskSku string = 'Consumption'

// Storage ------------------------------------------------------------------------------------------------------------------

@description('Redundancy of the event log. Table Storage has no backup and no undelete: ZRS survives a data centre, GZRS a region. About 0.045 (LRS) to 0.1 (GZRS) a GB and month.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param eventLogRedundancy string = 'Standard_ZRS'

@description('Puts a lock on the event log account, so that neither `azd down` nor a slip of the hand deletes it. Turn it on for real users.')
param protectEventLog bool = false

@description('Logs every storage call with its caller. For an audit; a busy log writes about 1 KB a call.')
param auditStorage bool = false

// Monitoring ---------------------------------------------------------------------------------------------------------------

@description('Days that logs are kept. The first 31 are free of charge.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('GB of logs a day at which ingestion stops, about 2.30 a GB. -1 for no cap.')
@minValue(-1)
param logDailyCapGb int = 1

// Gateway ------------------------------------------------------------------------------------------------------------------

@description('Creates the registry, the environment and the identity of the gateway, for clients that only know /v1/sync/stream. About 5 a month for the registry, and 6 (idle) to 20 (busy) for each replica.')
param withGateway bool = false

@description('Image of the gateway in that registry, with tag. Empty until it was pushed: no container app yet.')
param gatewayImage string = ''

@description('Most gateway replicas. One of a quarter core carries several hundred sockets.')
@minValue(1)
@maxValue(300)
param gatewayMaxReplicas int = 10

// --------------------------------------------------------------------------------------------------------------------------

var tags = { 'azd-env-name': environmentName }
var token = uniqueString(subscription().id, environmentName, location)
var usesScheduler = durableBackend == 'durableTaskScheduler'
var runsGateway = withGateway && !empty(gatewayImage)

// Every name in one place: modules refer to each other's resources by name, so that a what-if can follow them.
var names = {
  workspace: 'log-${token}'
  component: 'appi-${token}'
  functionsIdentity: 'id-functions-${token}'
  gatewayIdentity: 'id-gateway-${token}'
  eventLog: 'stlog${token}'
  host: 'sthost${token}'
  deployments: 'deployments'
  pages: 'stpages${token}'
  pagesContainer: 'pages'
  webPubSub: 'wps-${token}'
  scheduler: 'dts-${token}'
  taskHub: 'dequeuesync'
  plan: 'plan-${token}'
  functionApp: 'func-${token}'
  registry: 'cr${token}'
  environment: 'cae-${token}'
  gateway: 'ca-gateway-${token}'
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceName: names.workspace
    componentName: names.component
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module identities 'app/identities.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    functionsIdentity: names.functionsIdentity
    gatewayIdentity: names.gatewayIdentity
    withGateway: withGateway
  }
}

// Three accounts: what cannot be lost is apart from what can be made anew, with its own redundancy, lock and 20,000 calls a second;
// and what clients read by themselves is apart from both.
module eventLog 'app/storage.bicep' = {
  name: 'event-log'
  scope: group
  params: {
    location: location
    tags: tags
    name: names.eventLog
    sku: eventLogRedundancy
    isProtected: protectEventLog
    isAudited: auditStorage
    workspaceId: monitoring.outputs.workspaceId
  }
}

module hostStorage 'app/storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    location: location
    tags: tags
    name: names.host
    sku: 'Standard_LRS'
    containerName: names.deployments
    isAudited: auditStorage
    workspaceId: monitoring.outputs.workspaceId
  }
}

module pages 'app/storage.bicep' = {
  name: 'pages'
  scope: group
  params: {
    location: location
    tags: tags
    name: names.pages
    sku: 'Standard_LRS'
    containerName: names.pagesContainer
    // A blob that is needed longer is put there again: BlobShelf renews those older than 2 days.
    blobDays: 3
    isReadByBrowsers: true
    isAudited: auditStorage
    workspaceId: monitoring.outputs.workspaceId
  }
}

module webPubSub 'app/web-pubsub.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: names.webPubSub
    skuName: webPubSubSku
    units: webPubSubUnits
    workspaceId: monitoring.outputs.workspaceId
  }
}

module durableTask 'app/durable-task.bicep' = if (usesScheduler) {
  scope: group
  params: {
    location: location
    tags: tags
    name: names.scheduler
    taskHubName: names.taskHub
    skuName: durableTaskSku
  }
}

module registry 'app/registry.bicep' = if (withGateway) {
  scope: group
  params: {
    location: location
    tags: tags
    name: names.registry
  }
}

module roles 'app/roles.bicep' = {
  scope: group
  params: {
    functionsIdentity: names.functionsIdentity
    eventLogAccount: names.eventLog
    hostAccount: names.host
    pagesAccount: names.pages
    webPubSubName: names.webPubSub
    componentName: names.component
    usesScheduler: usesScheduler
    schedulerName: names.scheduler
    taskHubName: names.taskHub
    withGateway: withGateway
    gatewayIdentity: names.gatewayIdentity
    registryName: names.registry
  }
  dependsOn: [
    identities
    eventLog
    hostStorage
    pages
    webPubSub
    monitoring
    durableTask
    registry
  ]
}

module functionApp 'app/function-app.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: names.functionApp
    planName: names.plan
    identityId: identities.outputs.functionsIdentityId
    identityClientId: identities.outputs.functionsClientId
    hostAccount: names.host
    deploymentContainer: names.deployments
    componentName: names.component
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyDurable: alwaysReadyDurable
    taskHub: usesScheduler ? { connection: durableTask!.outputs.connection, name: names.taskHub } : null
    settings: {
      EventLog__Storage: eventLog.outputs.tableEndpoint
      References__Storage: pages.outputs.blobEndpoint
      WebPubSub__Endpoint: webPubSub.outputs.endpoint
      WebPubSub__EventAudience: webPubSubEventAudience
      WebPubSub__EventObjectId: webPubSub.outputs.principalId
      WebPubSub__TenantId: tenant().tenantId
      Auth__Authority: authAuthority
      Auth__Audience: authAudience
      Auth__AppClaim: authAppClaim
      Sync__Apps: syncApps
      Limits__CallsPerSecond: string(callsPerSecond)
    }
  }
  // The app's first start already needs its rights.
  dependsOn: [
    roles
  ]
}

module hub 'app/web-pubsub-hub.bicep' = {
  scope: group
  params: {
    webPubSubName: names.webPubSub
    functionsHostName: functionApp.outputs.hostName
    eventAudience: webPubSubEventAudience
  }
}

module gateway 'app/gateway.bicep' = if (runsGateway) {
  scope: group
  params: {
    location: location
    tags: tags
    name: names.gateway
    environmentName: names.environment
    identityId: identities.outputs.gatewayIdentityId
    registryLoginServer: registry!.outputs.loginServer
    image: gatewayImage
    functionsHostName: functionApp.outputs.hostName
    maxReplicas: gatewayMaxReplicas
    workspaceId: monitoring.outputs.workspaceId
  }
  // The image is pulled with the role.
  dependsOn: [
    roles
  ]
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_API_NAME string = names.functionApp
output SERVICE_API_URI string = 'https://${functionApp.outputs.hostName}'
output EVENT_LOG_ACCOUNT string = names.eventLog
output EVENT_LOG_TABLE_ENDPOINT string = eventLog.outputs.tableEndpoint
output HOST_STORAGE_ACCOUNT string = names.host
output PAGES_BLOB_ENDPOINT string = pages.outputs.blobEndpoint
output WEB_PUBSUB_NAME string = names.webPubSub
output WEB_PUBSUB_ENDPOINT string = webPubSub.outputs.endpoint
output DURABLE_TASK_ENDPOINT string = durableTask.?outputs.endpoint ?? ''
output APPLICATION_INSIGHTS_NAME string = names.component
output LOG_ANALYTICS_WORKSPACE_ID string = monitoring.outputs.workspaceCustomerId
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.?outputs.loginServer ?? ''
output GATEWAY_URI string = runsGateway ? 'https://${gateway!.outputs.hostName}' : ''
