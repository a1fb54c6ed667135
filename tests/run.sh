#!/usr/bin/env bash
# Builds everything and runs every test. Needs the .NET 10 SDK, Node 20 and git; fetches the rest itself, pinned, once.
#   bash tests/run.sh            all
#   bash tests/run.sh Storage    the projects whose name contains a word
#   SLOWEST=30 bash tests/run.sh so many tests in the list of the slowest
# Ends with "N passed, N failed, N skipped". In CI (CI=true) a skipped test is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
only=${1:-}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

fail() { printf '%s\n' "$1" >&2; printf '0 passed, 1 failed\n'; exit 1; }
command -v dotnet >/dev/null || fail 'The .NET 10 SDK is missing.'
command -v node >/dev/null || fail 'Node 20 is missing.'

# Azurite and the unmodified Web PubSub SDKs, pinned by tests/node/package-lock.json: fetched while the build works.
packages() {
  cmp -s tests/node/package-lock.json tests/node/node_modules/.installed-from && return
  (cd tests/node && npm ci --silent --no-audit --no-fund) && cp tests/node/package-lock.json tests/node/node_modules/.installed-from
}
packages > "$logs/npm" 2>&1 &
npm=$!

printf 'Building …\n'
dotnet build Dequeue.Functions.sln -c Release -v q -clp:NoSummary > "$logs/build" 2>&1 || { cat "$logs/build"; fail 'The build failed.'; }
grep -E 'warning' "$logs/build" && fail 'The build has warnings.'
wait "$npm" || { cat "$logs/npm"; fail 'npm ci failed in tests/node.'; }
built=$SECONDS

# Two lanes, side by side: those that work, the longest first, and those that mostly wait (a client that idles for three minutes, timers, killed
# hosts). More at once would make tests of time fail on two processors.
working='EndToEnd Site Client Storage Sync Contracts'
waiting='WebPubSub FunctionsHost infra'
run() {
  local name=$1 began=$SECONDS
  if [[ $name == infra ]]; then
    bash tests/infra/run.sh > "$logs/$name" 2>&1
  else
    "tests/$name/bin/Release/net10.0/$name" --no-ansi --progress off --show-stdout Failed --show-stderr Failed \
      --report-xunit-trx --report-xunit-trx-filename "$name.trx" --results-directory "$logs" > "$logs/$name" 2>&1
  fi
  printf '%s %s' $? $((SECONDS - began)) > "$logs/$name.code"
}
projects=()
lane() {
  local part name
  for part in "$@"; do
    [[ $part == infra ]] && name=infra || name=Dequeue.$part.Tests
    [[ " ${projects[*]} " != *" $name "* ]] || run "$name"
  done
}
others=$(cd tests && printf '%s\n' Dequeue.*.Tests | sed -E 's/^Dequeue\.(.*)\.Tests$/\1/')
for part in $working $waiting $others; do
  [[ $part == infra ]] && name=infra || name=Dequeue.$part.Tests
  [[ -n $only && $name != *"$only"* ]] || [[ " ${projects[*]} " == *" $name "* ]] || projects+=("$name")
done
lane $waiting &
lane $working $(comm -23 <(sort <<< "$others") <(printf '%s\n' $working $waiting | sort))
wait

passed=0 failed=0 skipped=0
number() { sed -nE "s/^ *$1: ([0-9]+).*/\1/p" "$2" | tail -n 1; }
count() {
  printf '%-28s %5d passed %5d failed %5d skipped  %s\n' "$@"
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
}
for name in "${projects[@]}"; do
  [[ $name == infra ]] && continue
  read -r code seconds < <(cat "$logs/$name.code"; echo)
  p=$(number succeeded "$logs/$name") f=$(number failed "$logs/$name") s=$(number skipped "$logs/$name")
  [[ $code -eq 0 ]] || cat "$logs/$name"
  # A project that dies without a summary, or exits badly without naming a failure, counts as one.
  [[ $code -eq 0 || ${f:-0} -gt 0 ]] || f=1
  [[ ${s:-0} -eq 0 ]] || grep -A 2 -E '^skipped ' "$logs/$name"
  count "$name" "${p:-0}" "${f:-0}" "${s:-0}" "$seconds s"
done
if [[ -f $logs/infra ]]; then
  read -r infra seconds < <(cat "$logs/infra.code"; echo)
  read -r p _ f _ < <(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/infra" | tail -n 1)
  [[ $infra -eq 0 ]] || { cat "$logs/infra"; [[ ${f:-0} -gt 0 ]] || f=1; }
  count infra "${p:-0}" "${f:-0}" 0 "$seconds s"
fi

# What to mend first when the tests take too long.
slow=$(cat "$logs"/*.trx 2>/dev/null | tr '>' '\n' | sed -nE 's/.*<UnitTestResult .*testName="([^"]*)".* duration="([^"]*)".*/\2 \1/p; s/.*<UnitTestResult .*duration="([^"]*)".* testName="([^"]*)".*/\1 \2/p' \
  | sort -r | head -n "${SLOWEST:-5}" | cut -c 4-180)
[[ -z $slow ]] || printf '\nThe slowest:\n%s\n' "$slow"
printf '\n%s s to build, %s s in all.\n' "$built" "$SECONDS"

if [[ ${CI:-} == true && $skipped -gt 0 ]]; then printf 'In CI nothing may be skipped.\n'; code=1; else code=0; fi
[[ $failed -eq 0 && $passed -gt 0 ]] || code=1
printf '\n'
if [[ $skipped -gt 0 ]]; then printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"; else printf '%d passed, %d failed\n' "$passed" "$failed"; fi
exit $code
