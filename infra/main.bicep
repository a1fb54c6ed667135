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

@description('Comma list of the origins of browser apps, such as https://app.example; * for every origin. Empty: no page of another origin may read the answers of the functions, and the gateway takes sockets of every origin.')
param corsOrigins string = ''

// Web PubSub ---------------------------------------------------------------------------------------------------------------

@description('Free_F1: 20 connections and 20,000 messages of 2 KB a day, no cost. Standard_S1: 1,000 connections a unit and 1,000,000 messages a unit and day included, about 1.61 a unit and day, then 1 per million. Premium_P1: about 2 a unit and day, with availability zones, replicas and custom domains. Premium_P2: the same with 100 to 1,000 units.')
@allowed([
  'Free_F1'
  'Standard_S1'
  'Premium_P1'
  'Premium_P2'
])
param webPubSubSku string = 'Standard_S1'

@description('Units: 1,000 concurrent connections each. Free_F1 has one, Premium_P2 has at least 100, the others at most 100.')
@allowed([
  1
  2
  5
  10
  20
  50
  100
  200
  300
  400
  500
  600
  700
  800
  900
  1000
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

@description('Most instances of each group of functions, which scale apart: all HTTP functions are one group, all durable ones another, the sweep a third. So it is not the cap of the bill; a budget is.')
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

@description('azureStorage: queues and tables of the host account, pay per operation. durableTaskScheduler: faster steps; the app must be published with its own host.json and package. See docs/decisions/0010-durable-backend.md.')
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

@description('Spreads the plan, the host account and the pages account over availability zones, where the region has them. Azure then keeps at least two always-ready instances for each group of functions, and bills them.')
param zoneRedundant bool = false

@description('How a new version replaces the instances. Recreate: all at once, what runs is cut off. RollingUpdate (a preview of Azure): in batches, what runs may end.')
@allowed([
  'Recreate'
  'RollingUpdate'
])
param updateStrategy string = 'Recreate'

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

@description('GB of logs a day at which ingestion stops, about 2.30 a GB. -1 for no cap. 1 fits some ten thousand users; docs/capacity.md has the formula.')
@minValue(-1)
param logDailyCapGb int = 1

@description('Of 100 traces, how many the host and the app send; the others are dropped whole. Metrics and logs are not sampled.')
@minValue(1)
@maxValue(100)
param traceSamplingPercent int = 100

@description('Mail address that alerts go to. Alerts are created when it or actionGroupId is given.')
param alertEmail string = ''

@description('Resource id of an action group that alerts go to instead.')
param actionGroupId string = ''

@description('Amount a month, in the currency of the subscription, at 80 and 100 percent of which mails go out; 0 for no budget. It warns, it stops nothing.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the month in which the budget begins.')
param budgetStart string = utcNow('yyyy-MM-01')

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
var alerts = !empty(alertEmail) || !empty(actionGroupId)
// With zones Azure takes no always-ready number below two: one would be in one zone.
var readyHttp = zoneRedundant && alwaysReadyHttp == 1 ? 2 : alwaysReadyHttp
var readyDurable = zoneRedundant && alwaysReadyDurable == 1 ? 2 : alwaysReadyDurable
var zonalOrLocal = zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'

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
  actionGroup: 'ag-${token}'
  budget: 'budget-${token}'
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
    sku: zonalOrLocal
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
    sku: zonalOrLocal
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
    // By object id, not by name: an identity that was deleted and made anew has another, and its old assignments cannot be changed.
    #disable-next-line what-if-short-circuiting
    functionsPrincipalId: identities.outputs.functionsPrincipalId
    eventLogAccount: names.eventLog
    hostAccount: names.host
    pagesAccount: names.pages
    webPubSubName: names.webPubSub
    componentName: names.component
    usesScheduler: usesScheduler
    schedulerName: names.scheduler
    taskHubName: names.taskHub
    withGateway: withGateway
    #disable-next-line what-if-short-circuiting
    gatewayPrincipalId: identities.outputs.gatewayPrincipalId
    registryName: names.registry
  }
  dependsOn: [
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
    alwaysReadyHttp: readyHttp
    alwaysReadyDurable: readyDurable
    zoneRedundant: zoneRedundant
    updateStrategy: updateStrategy
    traceSamplingPercent: traceSamplingPercent
    taskHubConnection: usesScheduler ? durableTask!.outputs.connection : ''
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
      Cors__Origins: corsOrigins
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
    origins: corsOrigins
    maxReplicas: gatewayMaxReplicas
    workspaceId: monitoring.outputs.workspaceId
  }
  // The image is pulled with the role.
  dependsOn: [
    roles
  ]
}

module workbook 'app/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    componentName: names.component
    workspaceName: names.workspace
  }
  dependsOn: [
    monitoring
  ]
}

module alerting 'app/alerts.bicep' = if (alerts) {
  scope: group
  params: {
    location: location
    tags: tags
    actionGroupName: names.actionGroup
    actionGroupId: actionGroupId
    email: alertEmail
    componentName: names.component
    workspaceName: names.workspace
    eventLogAccount: names.eventLog
    hostAccount: names.host
    webPubSubName: names.webPubSub
    dailyCapGb: logDailyCapGb
  }
  dependsOn: [
    monitoring
    eventLog
    hostStorage
    webPubSub
  ]
}

module budget 'app/budget.bicep' = if (monthlyBudget > 0) {
  scope: group
  params: {
    name: names.budget
    amount: monthlyBudget
    start: budgetStart
    email: alertEmail
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTIONS_PRINCIPAL_ID string = identities.outputs.functionsPrincipalId
output SERVICE_API_NAME string = names.functionApp
output SERVICE_API_URI string = 'https://${functionApp.outputs.hostName}'
output EVENT_LOG_ACCOUNT string = names.eventLog
output EVENT_LOG_TABLE_ENDPOINT string = eventLog.outputs.tableEndpoint
output HOST_STORAGE_ACCOUNT string = names.host
output PAGES_BLOB_ENDPOINT string = pages.outputs.blobEndpoint
output WEB_PUBSUB_NAME string = names.webPubSub
output WEB_PUBSUB_ENDPOINT string = webPubSub.outputs.endpoint
output WEB_PUBSUB_HUB_AUDIENCE string = webPubSubEventAudience
output DURABLE_TASK_ENDPOINT string = durableTask.?outputs.endpoint ?? ''
output APPLICATION_INSIGHTS_NAME string = names.component
output LOG_ANALYTICS_WORKSPACE_ID string = monitoring.outputs.workspaceCustomerId
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.?outputs.loginServer ?? ''
output GATEWAY_URI string = runsGateway ? 'https://${gateway!.outputs.hostName}' : ''
