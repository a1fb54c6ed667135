#!/usr/bin/env bash
# azd runs this after each deployment of the code (azure.yaml). The hub is made before there is any code that could answer Web PubSub's
# question whether it may deliver events. So: wait until the question is answered, then set the hub again as the template has it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! scripts/verify-deployment.sh --handshake --wait "${HANDSHAKE_SECONDS:-300}"; then
  printf 'The functions do not answer Web PubSub: no socket will open. docs/operating.md, "Nobody can connect".\n' >&2
  exit 1
fi

host=${SERVICE_API_URI#*://}
set_hub=(az deployment group create --only-show-errors --output none --resource-group "$AZURE_RESOURCE_GROUP" --name hub-after-deployment
  --template-file infra/app/web-pubsub-hub.bicep
  --parameters "webPubSubName=$WEB_PUBSUB_NAME" "functionsHostName=${host%/}" "eventAudience=$WEB_PUBSUB_HUB_AUDIENCE")
if command -v az > /dev/null && az account show > /dev/null 2>&1; then
  "${set_hub[@]}"
  printf 'The hub was set again. Now: scripts/verify-deployment.sh\n'
else
  printf 'The Azure CLI is missing or not signed in, so the hub was not set again. If sockets do not open, run:\n  %s\n' "${set_hub[*]}" >&2
fi
