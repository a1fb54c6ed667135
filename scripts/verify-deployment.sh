#!/usr/bin/env bash
# Asks a running backend what it must answer, and says for each question what was expected and what came. Changes nothing.
#
#   scripts/verify-deployment.sh [--wait SECONDS] [--handshake] [URL]
#
#   URL           the functions; default $SERVICE_API_URI
#   --wait N      ask the first question again for up to N seconds: roles need minutes to spread, cold starts seconds
#   --handshake   that first question alone: may Web PubSub deliver events?
#
# From the environment (`eval "$(azd env get-values)"` sets all but TOKEN):
#   TOKEN                 a user's bearer token; without it the calls of a user are skipped
#   WEB_PUBSUB_ENDPOINT   the service; without it its host is taken from a negotiated URL, which needs TOKEN
#   CORS_ORIGINS          as it was set; empty when no browser app of another origin may call
#   GATEWAY_URI           the gateway, if there is one
#   AZURE_RESOURCE_GROUP, WEB_PUBSUB_NAME, EVENT_LOG_ACCOUNT, FUNCTIONS_PRINCIPAL_ID, EVENT_LOG_PROTECTED
#                         what is looked up in Azure, if `az` is there and signed in
#
# Exit code: 0 all is well, 1 something is not, 2 wrong use. Needs bash and curl. No token appears in a process list or in the output.
set -uo pipefail

wait_seconds=0 only_handshake=false api=${SERVICE_API_URI:-}
while (($#)); do
  case $1 in
    --wait) wait_seconds=${2:?--wait needs seconds}; shift ;;
    --handshake) only_handshake=true ;;
    http://* | https://*) api=$1 ;;
    *) printf 'Unknown: %s\n' "$1" >&2; exit 2 ;;
  esac
  shift
done
api=${api%/}
[[ -n $api ]] || { printf 'Give the URL of the functions, or set SERVICE_API_URI.\n' >&2; exit 2; }

passed=0 failed=0
ok() { passed=$((passed + 1)); printf 'ok      %s\n' "$1"; }
fail() { failed=$((failed + 1)); printf 'FAILED  %s\n          expected %s\n          got      %s\n' "$1" "$2" "${3:-nothing}"; }
skip() { printf 'skipped %s: %s\n' "$1" "$2"; }
expect() { if [[ $3 == "$2" ]]; then ok "$1"; else fail "$1" "$2" "$3"; fi; }

# What a call answers: its status, a blank, and either one header's value or the body. Secrets go in by stdin, not as arguments.
config() { printf 'silent\nmax-time = 20\nurl = "%s"\n' "$1"; [[ -z ${2:-} ]] || printf 'header = "Authorization: Bearer %s"\n' "$2"; }
status() { config "$1" "${2:-}" | curl --config - --output /dev/null --write-out '%{http_code}' "${@:3}"; }
body() { config "$1" "${2:-}" | curl --config - "${@:3}"; }
header() { config "$2" | curl --config - --output /dev/null --dump-header - "${@:3}" | tr -d '\r' | sed -nE "s/^$1: *//Ip" | head -n 1; }

# A socket stays open, so that only its first line is waited for.
upgrade() {
  local line=''
  read -r line < <(config "${1/#ws/http}" "${2:-}" | curl --config - --http1.1 --no-buffer --include --header 'Connection: Upgrade' \
    --header 'Upgrade: websocket' --header 'Sec-WebSocket-Version: 13' --header 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==' 2> /dev/null)
  line=${line#* }
  printf '%s' "${line:0:3}"
}

host_of() { local rest=${1#*://}; printf '%s' "${rest%%[:/?]*}"; }
handler="$api/webpubsub/events"

negotiated=''
if [[ -n ${TOKEN:-} ]]; then
  negotiated=$(body "$api/v1/sync/stream/negotiate" "$TOKEN" --request POST --data '' | sed -nE 's/.*"url": *"([^"]+)".*/\1/p' | sed 's/\\u0026/\&/g')
fi
service=$(host_of "${WEB_PUBSUB_ENDPOINT:-$negotiated}")

handshake() { header WebHook-Allowed-Origin "$handler" --request OPTIONS --header "WebHook-Request-Origin: $service"; }
if [[ -z $service ]]; then
  skip 'Web PubSub may deliver events to the functions' 'neither WEB_PUBSUB_ENDPOINT nor TOKEN is set'
  ! $only_handshake || { printf '0 passed, 0 failed\n'; exit 2; }
else
  allowed=$(handshake)
  while [[ $allowed != "$service" && $SECONDS -lt $wait_seconds ]]; do sleep 5; allowed=$(handshake); done
  expect 'Web PubSub may deliver events to the functions (OPTIONS /webpubsub/events)' "$service" "$allowed"
fi
if $only_handshake; then printf '%d passed, %d failed\n' $passed $failed; exit $((failed > 0)); fi

expect 'nobody else may (another WebHook-Request-Origin)' '' "$(header WebHook-Allowed-Origin "$handler" --request OPTIONS --header 'WebHook-Request-Origin: stranger.invalid')"
expect 'an event without proof is refused (POST /webpubsub/events)' 401 "$(status "$handler" '' --request POST --data '{}')"

health=$(body "$api/healthz")
while [[ $health != *'"storage":true'*'"webPubSub":true'* && $SECONDS -lt $wait_seconds ]]; do sleep 5; health=$(body "$api/healthz"); done
expect 'storage and Web PubSub answer the functions (GET /healthz)' '{"storage":true,"webPubSub":true}' "$health"
expect 'the calls are described (GET /openapi.json)' 200 "$(status "$api/openapi.json")"
expect 'a call without a token is refused (GET /v1/sync/meta)' 401 "$(status "$api/v1/sync/meta")"
expect 'a token of nobody is refused' 401 "$(status "$api/v1/sync/meta" not.a.token)"
expect 'a plain request for a socket is told to upgrade (GET /v1/sync/stream)' 426 "$(status "${api}/v1/sync/stream")"

if [[ -n ${TOKEN:-} ]]; then
  expect 'a user is let in (GET /v1/sync/meta)' 200 "$(status "$api/v1/sync/meta" "$TOKEN")"
  expect 'a user gets the URL of a socket (POST /v1/sync/stream/negotiate)' "$service" "$(host_of "$negotiated")"
  expect 'the socket opens: Web PubSub asks the functions (connect), and they agree' 101 "$(upgrade "$negotiated")"
else
  skip 'a user is let in, and gets a socket that opens' 'TOKEN is not set'
fi

preflight() { header Access-Control-Allow-Origin "$api/v1/sync/push" --request OPTIONS --header "Origin: $1" --header 'Access-Control-Request-Method: POST'; }
first=${CORS_ORIGINS:-}
first=${first%%,*}
if [[ $first == '*' ]]; then
  expect 'pages of every origin may call' 'https://app.example' "$(preflight https://app.example)"
else
  [[ -z $first ]] || expect "pages of $first may call" "$first" "$(preflight "$first")"
  expect 'pages of other origins may not' '' "$(preflight https://stranger.invalid)"
fi

if [[ -n ${GATEWAY_URI:-} ]]; then
  gateway=${GATEWAY_URI%/}
  expect 'the gateway is alive (GET /healthz)' 200 "$(status "$gateway/healthz")"
  expect 'the gateway refuses a socket without a token' 401 "$(upgrade "$gateway/v1/sync/stream")"
  [[ -z ${TOKEN:-} ]] || expect 'the gateway opens a socket of a user' 101 "$(upgrade "$gateway/v1/sync/stream" "$TOKEN")"
fi

if [[ -n ${AZURE_RESOURCE_GROUP:-} ]] && command -v az > /dev/null && az account show > /dev/null 2>&1; then
  expect "the hub's event handler is these functions" "$handler" "$(az webpubsub hub show --name "${WEB_PUBSUB_NAME:-}" \
    --resource-group "$AZURE_RESOURCE_GROUP" --hub-name sync --query 'properties.eventHandlers[0].urlTemplate' --output tsv)"
  roles=$(az role assignment list --assignee "${FUNCTIONS_PRINCIPAL_ID:-}" --all --query 'length(@)' --output tsv)
  expect 'the functions hold their roles and no other' "$([[ ${DURABLE_BACKEND:-} == durableTaskScheduler ]] && echo 6 || echo 7)" "$roles"
  locks=$(az lock list --resource-group "$AZURE_RESOURCE_GROUP" --query "[?name=='holds-user-data'] | length(@)" --output tsv)
  expect 'the event log is locked against deletion exactly when EVENT_LOG_PROTECTED says so' "$([[ ${EVENT_LOG_PROTECTED:-} == true ]] && echo 1 || echo 0)" "$locks"
else
  skip 'what only Azure can tell: hub, roles, lock' 'AZURE_RESOURCE_GROUP is not set, or az is not signed in'
fi

printf '%d passed, %d failed\n' $passed $failed
exit $((failed > 0))
