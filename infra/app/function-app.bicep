// The functions, on Flex Consumption. No key and no connection string with a key: every setting that points at a service is an
// address, and the identity opens it.
param location string
param tags object
param name string
param planName string
param identityId string
param identityClientId string
param hostAccount string
param deploymentContainer string
param componentName string
param instanceMemoryMB int
param maximumInstanceCount int
param httpConcurrency int
param alwaysReadyHttp int
param alwaysReadyDurable int
param zoneRedundant bool
param updateStrategy string
param traceSamplingPercent int

@description('Settings of the app itself: docs/deploying.md.')
param settings object

@description('Where the Durable Task Scheduler is, without an identity; empty for Azure Storage. Which of both is used, and the name of the hub, stand in host.json alone: what overrides host.json by a setting is not seen by the scale controller.')
param taskHubConnection string

resource host 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: hostAccount
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

// A setting AzureFunctionsJobHost__x__y stands in for x.y of host.json.
var hostSettings = {
  // Which of its identities the code means when it asks for a token.
  AZURE_CLIENT_ID: identityClientId
  AZURE_FUNCTIONS_ENVIRONMENT: 'Production'
  // Else the host's own page stands where the app serves its page.
  AzureWebJobsDisableHomepage: 'true'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: host.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: host.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: host.properties.primaryEndpoints.table
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // The host speaks the app's telemetry language, so that one trace runs through both. Not in host.json: `func start` goes without.
  AzureFunctionsJobHost__telemetryMode: 'OpenTelemetry'
  // Read by the host and by the app: both decide by the same hash of the trace's id, so that a trace is kept or dropped whole.
  OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
  OTEL_TRACES_SAMPLER_ARG: traceSamplingPercent == 100 ? '1.0' : '0.${padLeft(traceSamplingPercent, 2, '0')}'
}

var durableSettings = empty(taskHubConnection)
  ? {}
  : { DURABLE_TASK_SCHEDULER: '${taskHubConnection};ClientID=${identityClientId}' }

var alwaysReady = [
  { name: 'http', instanceCount: alwaysReadyHttp }
  { name: 'durable', instanceCount: alwaysReadyDurable }
]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${host.properties.primaryEndpoints.blob}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'dotnet-isolated'
        version: '10.0'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: filter(alwaysReady, group => group.instanceCount > 0)
        triggers: { http: { perInstanceConcurrency: httpConcurrency } }
      }
      // Microsoft describes it; the types of this compiler do not have it yet.
      #disable-next-line BCP037
      siteUpdateStrategy: { type: updateStrategy }
    }
    // Flex Consumption refuses most other properties here (error 51021), `ftpsState` among them.
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      appSettings: map(
        items(union(hostSettings, durableSettings, settings)),
        setting => { name: setting.key, value: setting.value }
      )
    }
  }

  // Deployment is by Entra identity, never by a publishing password.
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

output hostName string = app.properties.defaultHostName
