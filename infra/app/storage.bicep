// A storage account that has no keys: Entra identities alone get in, over TLS 1.2 or later.
// Limits: 20,000 calls a second an account, 2,000 entities a second a partition (one user's log is one partition), 5 PiB.
param location string
param tags object

@minLength(3)
@maxLength(24)
param name string

param sku string

@description('A blob container to create; empty for none.')
param containerName string = ''

@description('Days after which the blobs of that container are deleted; 0 to keep them.')
@minValue(0)
param blobDays int = 0

@description('Lets pages in a browser read blobs, from any origin: a signed URL is the whole proof, no cookie goes with it.')
param isReadByBrowsers bool = false

@description('Puts a lock against deletion on the account.')
param isProtected bool = false

@description('Sends a line about every call on tables, blobs and queues to the workspace.')
param isAudited bool

param workspaceId string

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    isLocalUserEnabled: false
    supportsHttpsTrafficOnly: true
    minimumTlsVersion: 'TLS1_2'
    // Without a virtual network the functions come from the internet, too: what protects the data is that nobody has a key.
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      defaultAction: 'Allow'
      bypass: 'None'
    }
  }

  resource tables 'tableServices' = { name: 'default' }

  resource queues 'queueServices' = { name: 'default' }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      // What is deleted is gone at once.
      deleteRetentionPolicy: { enabled: false }
      cors: {
        corsRules: isReadByBrowsers
          ? [
              {
                allowedOrigins: ['*']
                allowedMethods: ['GET']
                allowedHeaders: ['*']
                exposedHeaders: []
                maxAgeInSeconds: 3600
              }
            ]
          : []
      }
    }

    resource container 'containers' = if (!empty(containerName)) {
      name: empty(containerName) ? 'none' : containerName
      properties: { publicAccess: 'None' }
    }
  }
}

resource expiry 'Microsoft.Storage/storageAccounts/managementPolicies@2026-04-01' = if (blobDays > 0) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'expire-${containerName}'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${containerName}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: blobDays } } }
          }
        }
      ]
    }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isProtected) {
  scope: account
  name: 'holds-user-data'
  properties: {
    level: 'CanNotDelete'
    notes: 'Table Storage has no undelete. Remove this lock only to delete all histories of all users.'
  }
}

// The newest version that knows `logs` is a preview one; the stable one of 2016 does not.
#disable-next-line use-recent-api-versions
resource tableAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (isAudited) {
  scope: account::tables
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

#disable-next-line use-recent-api-versions
resource blobAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (isAudited) {
  scope: account::blobs
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

#disable-next-line use-recent-api-versions
resource queueAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (isAudited) {
  scope: account::queues
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output tableEndpoint string = account.properties.primaryEndpoints.table
output blobEndpoint string = account.properties.primaryEndpoints.blob
