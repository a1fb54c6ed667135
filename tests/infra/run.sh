#!/usr/bin/env bash
# Compiles infra/ with Microsoft's Bicep compiler and checks what came out, the workflows and the docs that go with it.
# One line per check; the last line is "N passed, N failed". Needs no network once the compiler's package is in the NuGet cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ "$(uname -sm)" != "Linux x86_64" ]]; then
  echo "skipped: the pinned Bicep compiler is the one for linux-x64, this is $(uname -sm)"
  echo "0 passed, 0 failed"
  [[ "${CI:-}" != "true" ]]
  exit
fi

project=tests/infra/bicep.csproj
dotnet restore "$project" --nologo --verbosity quiet
bicep="$(dotnet msbuild "$project" -nologo -getProperty:PkgAzure_Bicep_CommandLine_linux-x64)/tools/bicep"

# Some versions of NuGet extract files without the bit that makes them programs.
[[ -x "$bicep" ]] || chmod +x "$bicep"
exec node tests/infra/check.mjs "$bicep"
