#!/usr/bin/env bash
# Runs a published function app as it is: in the embedded Functions host, beside the embedded Web PubSub. Asks it what a deployment must
# answer (verify-deployment.sh), then pushes a history through it and syncs it as a new device does.
#
#   scripts/run-published.sh DIR      the folder that `dotnet publish src/Dequeue.Functions -o DIR` has filled
#
# DEQUEUE: the command to use, default dequeue. PORT and PUBSUB_PORT: default 7071 and 8080. Exit code: 0 when all is well.
set -euo pipefail
app=$(realpath "${1:?Give the folder of the published app.}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
read -ra dequeue <<< "${DEQUEUE:-dequeue}"
url="http://127.0.0.1:${PORT:-7071}"
data=$(mktemp -d)
started=()
stop() { local pid; for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; rm -rf "$data"; }
trap stop EXIT

# Its first line begins with "ready"; what follows is its address.
ready() {
  local name=$1 line=''
  for ((i = 0; i < 600; i++)); do
    if { read -r line < "$data/$name"; } 2> /dev/null && [[ $line == 'ready '* ]]; then printf '%s' "${line#ready }"; return; fi
    kill -0 "${started[-1]}" 2> /dev/null || break
    sleep 0.1
  done
  printf '%s did not start.\n' "$name" >&2
  return 1
}

token=$("${dequeue[@]}" token --user release --data "$data")
"${dequeue[@]}" pubsub --port "${PUBSUB_PORT:-8080}" --upstream "$url/webpubsub/events" > "$data/pubsub" & started+=($!)
WebPubSubConnectionString=$(ready pubsub)
Auth__DevSigningKey=$(cat "$data/dev-signing-key")
export WebPubSubConnectionString Auth__DevSigningKey EventLog__Storage="sqlite:$data/events.db" AZURE_FUNCTIONS_ENVIRONMENT=Development
"${dequeue[@]}" host "$app" --port "${PORT:-7071}" --state "$data/state" > "$data/host" & started+=($!)
ready host > /dev/null

TOKEN=$token CORS_ORIGINS='' GATEWAY_URI='' AZURE_RESOURCE_GROUP='' scripts/verify-deployment.sh --wait 60 "$url"
"${dequeue[@]}" push --generate 2000 --server "$url" --token "$token"
synced=$("${dequeue[@]}" sync --server "$url" --token "$token" --state "$data/device" --json)
printf '%s\n' "$synced"
[[ $synced == *'"events":2000'* && $synced == *'"transport":"stream"'* ]]
