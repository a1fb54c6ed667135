// The gateway: takes the WebSocket upgrade of clients that only know /v1/sync/stream, and paces it. It holds no
// secret and no state; a client that is cut off connects again. The ingress ends a connection that is silent for 240 s.
param location string
param tags object
param name string
param environmentName string
param identityId string
param registryLoginServer string
param image string
param functionsHostName string
param origins string
param maxReplicas int
param workspaceId string

resource environment 'Microsoft.App/managedEnvironments@2026-01-01' = {
  name: environmentName
  location: location
  tags: tags
  properties: {
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    // Through a diagnostic setting: the direct way would need the workspace's key.
    appLogsConfiguration: { destination: 'azure-monitor' }
  }
}

// The newest version that knows `logs` is a preview one; the stable one of 2016 does not.
#disable-next-line use-recent-api-versions
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environment
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource app 'Microsoft.App/containerApps@2026-01-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    environmentId: environment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8080
        transport: 'auto'
        allowInsecure: false
      }
      registries: [
        {
          server: registryLoginServer
          identity: identityId
        }
      ]
    }
    template: {
      // Sockets in use may finish their streams while a revision is replaced.
      terminationGracePeriodSeconds: 60
      containers: [
        {
          name: 'gateway'
          image: image
          env: [
            { name: 'Gateway__Functions', value: 'https://${functionsHostName}' }
            { name: 'Gateway__Origins', value: origins }
          ]
          resources: {
            // A slow device with a long history makes it hold about 4 MB: 2.5 MB of compressed batches and the one that is being sent.
            cpu: json('0.5')
            memory: '1Gi'
          }
          probes: [
            {
              type: 'Readiness'
              httpGet: { path: '/healthz', port: 8080 }
              periodSeconds: 10
            }
            {
              type: 'Liveness'
              httpGet: { path: '/healthz', port: 8080 }
              periodSeconds: 30
            }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: maxReplicas
        rules: [
          {
            name: 'sockets'
            http: { metadata: { concurrentRequests: '200' } }
          }
        ]
      }
    }
  }
}

output hostName string = app.properties.configuration.ingress.fqdn
