// Who the running parts are. What each may do stands in roles.bicep. Web PubSub has a system identity of its own, without any role.
param location string
param tags object
param functionsIdentity string
param gatewayIdentity string
param withGateway bool

resource functions 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: functionsIdentity
  location: location
  tags: tags
}

resource gateway 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = if (withGateway) {
  name: gatewayIdentity
  location: location
  tags: tags
}

output functionsIdentityId string = functions.id
output functionsClientId string = functions.properties.clientId
output functionsPrincipalId string = functions.properties.principalId
output gatewayIdentityId string = withGateway ? gateway.id : ''
output gatewayPrincipalId string = withGateway ? gateway!.properties.principalId : ''
