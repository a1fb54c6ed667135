// Lets the compiler work out what infra/main.bicep deploys for every combination of its switches: conditions and loops are resolved, only
// what Azure alone knows stays open. One run for all: a template that has main.bicep as a module for each.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** What changes which resources there are. In a short run those that stand alone go round instead of being multiplied. */
const switches = {
  gateway: ['off', 'registry', 'running'],
  backend: ['azureStorage', 'durableTaskScheduler'],
  isProtected: [false, true],
  isAudited: [false, true],
  zones: [false, true],
};
const alone = {
  alerts: ['none', 'mail', 'group'],
  budget: [0, 50],
  cap: [1, -1],
};

const product = (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })));

/** @param isWhole Every combination, 576; else 48 in which every pair of values of the lists above occurs. */
export function combinations(isWhole) {
  const rows = Object.entries(switches).reduce(product, [{}]);
  if (isWhole) return Object.entries(alone).reduce(product, rows);
  const others = Object.entries(alone).reduce(product, [{}]);
  // 48 and 12 share factors: a step more with each round, or some would never meet.
  return rows.map((row, i) => ({ ...row, ...others[(i + Math.floor(i / others.length)) % others.length] }));
}

const ofGroup = '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ops/providers/Microsoft.Insights/actionGroups/theirs';
const parameters = (row) => ({
  withGateway: row.gateway !== 'off',
  gatewayImage: row.gateway === 'running' ? 'registry.example/gateway:1' : '',
  durableBackend: row.backend,
  protectEventLog: row.isProtected,
  auditStorage: row.isAudited,
  zoneRedundant: row.zones,
  alertEmail: row.alerts === 'mail' ? 'ops@example.org' : '',
  actionGroupId: row.alerts === 'group' ? ofGroup : '',
  monthlyBudget: row.budget,
  logDailyCapGb: row.cap,
});

/** @returns For each combination its resources, and what the compiler complained of. */
export function deploy(bicep, rows) {
  const folder = mkdtempSync(`${tmpdir()}/bicep-all-`);
  try {
    cpSync('infra', `${folder}/infra`, { recursive: true });
    mkdirSync(`${folder}/docs`);
    cpSync('docs/queries.kql', `${folder}/docs/queries.kql`);
    const given = rows.map(parameters);
    writeFileSync(`${folder}/rows.json`, JSON.stringify(given));
    writeFileSync(`${folder}/all.bicepparam`, "using 'all.bicep'\n");
    writeFileSync(`${folder}/all.bicep`, `targetScope = 'subscription'
module all 'infra/main.bicep' = [for (row, i) in loadJsonContent('rows.json'): {
  name: 'row\${i}'
  params: {
    environmentName: 'row\${i}'
    location: 'eastus'
    authAuthority: 'https://issuer.example'
    authAudience: 'api'
    budgetStart: '2026-11-01'
    ${Object.keys(given[0]).map((name) => `${name}: row.${name}`).join('\n    ')}
  }
}]
`);
    const args = ['snapshot', `${folder}/all.bicepparam`, '--mode', 'overwrite', '--location', 'eastus', '--subscription-id', '00000000-0000-0000-0000-000000000001'];
    const { stderr, error } = spawnSync(bicep, args, { encoding: 'utf8', timeout: 900_000, maxBuffer: 64 << 20 });
    if (error) throw error;
    const { predictedResources } = JSON.parse(readFileSync(`${folder}/all.snapshot.json`, 'utf8'));
    const deployed = rows.map(() => []);
    for (const resource of predictedResources) deployed[Number(resource.id.match(/resourceGroups\/rg-row(\d+)/i)[1])].push(resource);
    return { deployed, complaints: stderr.split('\n').filter((line) => line.trim()) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How many resources of a type a combination has, said here once more and in other words than in the templates. */
export function expected(row) {
  const alerts = row.alerts !== 'none';
  const runs = row.gateway === 'running';
  return {
    'Microsoft.Resources/resourceGroups': 1,
    'Microsoft.OperationalInsights/workspaces': 1,
    'Microsoft.Insights/components': 1,
    'Microsoft.Insights/workbooks': 1,
    'Microsoft.ManagedIdentity/userAssignedIdentities': row.gateway === 'off' ? 1 : 2,
    'Microsoft.Storage/storageAccounts': 3,
    'Microsoft.Storage/storageAccounts/tableServices': 3,
    'Microsoft.Storage/storageAccounts/queueServices': 3,
    'Microsoft.Storage/storageAccounts/blobServices': 3,
    'Microsoft.Storage/storageAccounts/blobServices/containers': 2,
    'Microsoft.Storage/storageAccounts/managementPolicies': 1,
    'Microsoft.Authorization/locks': row.isProtected ? 1 : 0,
    'Microsoft.Authorization/roleAssignments': (row.backend === 'azureStorage' ? 7 : 6) + (row.gateway === 'off' ? 0 : 1),
    'Microsoft.SignalRService/webPubSub': 1,
    'Microsoft.SignalRService/webPubSub/hubs': 1,
    'Microsoft.Insights/diagnosticSettings': 1 + (row.isAudited ? 9 : 0) + (runs ? 1 : 0),
    'Microsoft.DurableTask/schedulers': row.backend === 'azureStorage' ? 0 : 1,
    'Microsoft.DurableTask/schedulers/taskHubs': row.backend === 'azureStorage' ? 0 : 1,
    'Microsoft.Web/serverfarms': 1,
    'Microsoft.Web/sites': 1,
    'Microsoft.Web/sites/basicPublishingCredentialsPolicies': 2,
    'Microsoft.ContainerRegistry/registries': row.gateway === 'off' ? 0 : 1,
    'Microsoft.App/managedEnvironments': runs ? 1 : 0,
    'Microsoft.App/containerApps': runs ? 1 : 0,
    'Microsoft.Insights/actionGroups': row.alerts === 'mail' ? 1 : 0,
    'Microsoft.Insights/scheduledQueryRules': alerts ? (row.cap > 0 ? 5 : 3) : 0,
    'Microsoft.Insights/metricAlerts': alerts ? 4 : 0,
    'Microsoft.Consumption/budgets': row.budget > 0 ? 1 : 0,
  };
}
