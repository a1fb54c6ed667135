// Checks infra/, azure.yaml, .github/ and the docs that describe them. Called by run.sh with the path of the Bicep compiler.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { posix } from 'node:path';
import { combinations, deploy, expected } from './combinations.mjs';
import { differences } from './packages.mjs';

const bicep = process.argv[2];
let passed = 0;
let failed = 0;

/** Runs one check; it answers a list of what is wrong, empty when nothing is. */
function check(what, find) {
  let problems;
  try {
    problems = find();
  } catch (error) {
    problems = [error.message];
  }
  if (problems.length === 0) {
    passed++;
    console.log(`ok      ${what}`);
  } else {
    failed++;
    console.log(`FAILED  ${what}`);
    for (const problem of problems) console.log(`          ${problem}`);
  }
}

const read = (path) => readFileSync(path, 'utf8');
const files = (folder, end) => readdirSync(folder).filter((name) => name.endsWith(end)).sort().map((name) => `${folder}/${name}`);
const without = (wanted, has) => wanted.filter((item) => !has.includes(item));

function run(...args) {
  const { stdout, stderr, error } = spawnSync(bicep, args, { encoding: 'utf8', timeout: 600_000, maxBuffer: 64 << 20 });
  if (error) throw error;
  return { stdout, complaints: stderr.split('\n').filter((line) => line.trim()) };
}

/** Every resource of a compiled template and of the modules in it, each with the module that it stands in. */
function* resources(template, module = 'main') {
  const own = Array.isArray(template.resources)
    ? template.resources.map((resource) => ['', resource])
    : Object.entries(template.resources ?? {});
  for (const [symbol, resource] of own) {
    if (resource.type === 'Microsoft.Resources/deployments') {
      yield* resources(resource.properties.template, symbol);
    } else if (!resource.existing) {
      yield { module, ...resource };
    }
  }
}

// The compiler --------------------------------------------------------------------------------------------------------------

const sources = ['infra/main.bicep', ...files('infra/app', '.bicep')];
const built = run('build', 'infra/main.bicep', '--stdout');

check('the compiler builds infra/main.bicep without a warning', () => built.complaints);
check('the linter finds nothing in infra/', () => run('lint', '--pattern', 'infra/**/*.bicep').complaints);
check('the sources are formatted as the compiler formats them', () => {
  const copy = mkdtempSync(`${tmpdir()}/bicep-`);
  try {
    cpSync('infra', `${copy}/infra`, { recursive: true });
    const { complaints } = run('format', '--pattern', `${copy}/infra/**/*.bicep`);
    return complaints.concat(sources.filter((source) => read(`${copy}/${source}`) !== read(source)));
  } finally {
    rmSync(copy, { recursive: true });
  }
});
check('every linter rule that is named is a warning or an error', () =>
  Object.entries(JSON.parse(read('infra/bicepconfig.json')).analyzers.core.rules)
    .filter(([, rule]) => !['warning', 'error'].includes(rule.level)).map(([name]) => name));

// What was compiled ---------------------------------------------------------------------------------------------------------

const template = JSON.parse(built.stdout || '{}');
const all = [...resources(template)];
const of = (type) => all.filter((resource) => resource.type.toLowerCase() === type.toLowerCase());

/** Every resource of a type must have these values at these paths; and there must be one. */
function every(type, expected) {
  const found = of(type);
  if (found.length === 0) return [`there is no ${type}`];
  return found.flatMap((resource) => Object.entries(expected).flatMap(([path, wanted]) => {
    const value = path.split('.').reduce((at, name) => at?.[name], resource);
    return value === wanted ? [] : [`${resource.module}: ${type} has ${path} = ${JSON.stringify(value)}, not ${JSON.stringify(wanted)}`];
  }));
}

check('no key, connection string or SAS is ever listed', () =>
  (built.stdout.match(/\blist[A-Z]\w*\s*\(/gi) ?? []).concat(built.stdout ? [] : ['nothing was compiled']));
check('storage has no shared keys, no public blobs, TLS 1.2 and https alone', () =>
  every('Microsoft.Storage/storageAccounts', {
    'properties.allowSharedKeyAccess': false,
    'properties.allowBlobPublicAccess': false,
    'properties.isLocalUserEnabled': false,
    'properties.minimumTlsVersion': 'TLS1_2',
    'properties.supportsHttpsTrafficOnly': true,
  }));
check('pages that clients fetch by URL are private, deleted after 3 days and when a user is erased, and signed with the identity', () => {
  const [policy] = of('Microsoft.Storage/storageAccounts/managementPolicies');
  const rule = policy?.properties.policy.rules[0].definition;
  return [
    ...every('Microsoft.Storage/storageAccounts/blobServices/containers', { 'properties.publicAccess': 'None' }),
    ...every('Microsoft.Storage/storageAccounts/blobServices', { 'properties.deleteRetentionPolicy.enabled': false }),
    ...(JSON.stringify(rule ?? '').includes('daysAfterModificationGreaterThan') ? [] : ['no rule deletes them']),
    ...(/module pages [^}]*blobDays: 3\n/.test(read('infra/main.bicep')) ? [] : ['the rule waits for another number of days than the code']),
    ...(/const string DefaultContainer = "pages"/.test(read('src/Dequeue.Storage/PageShelfStorage.cs')) && /pagesContainer: 'pages'/.test(read('infra/main.bicep')) ? [] : ['the container has another name than in the code']),
  ];
});
check('Web PubSub has no access keys and lets nobody in without a token', () => [
  ...every('Microsoft.SignalRService/webPubSub', { 'properties.disableLocalAuth': true, 'identity.type': 'SystemAssigned' }),
  ...every('Microsoft.SignalRService/webPubSub/hubs', { 'properties.anonymousConnectPolicy': 'deny' }),
]);
check('the function app answers over https alone, with TLS 1.2, without publishing passwords', () => [
  ...every('Microsoft.Web/sites', {
    'properties.httpsOnly': true,
    'properties.siteConfig.minTlsVersion': '1.2',
    'properties.siteConfig.scmMinTlsVersion': '1.2',
  }),
  ...every('Microsoft.Web/sites/basicPublishingCredentialsPolicies', { 'properties.allow': false }),
  ...(of('Microsoft.Web/sites/basicPublishingCredentialsPolicies').length === 2 ? [] : ['scm and ftp must both be off']),
]);
check('the function app is Flex Consumption, .NET 10 isolated, deployed by its identity', () =>
  every('Microsoft.Web/serverfarms', { 'sku.tier': 'FlexConsumption' }).concat(every('Microsoft.Web/sites', {
    'identity.type': 'UserAssigned',
    'properties.functionAppConfig.runtime.name': 'dotnet-isolated',
    'properties.functionAppConfig.runtime.version': '10.0',
    'properties.functionAppConfig.deployment.storage.authentication.type': 'UserAssignedIdentity',
  })));
check('the function app sets nothing that Flex Consumption refuses', () => {
  const { siteConfig } = of('Microsoft.Web/sites')[0].properties;
  const text = JSON.stringify(siteConfig.appSettings) + read('infra/app/function-app.bicep');
  return [
    ...without(Object.keys(siteConfig), ['minTlsVersion', 'scmMinTlsVersion', 'http20Enabled', 'appSettings']),
    ...['FUNCTIONS_EXTENSION_VERSION', 'FUNCTIONS_WORKER_RUNTIME', 'WEBSITE_RUN_FROM_PACKAGE', 'WEBSITE_CONTENTSHARE'].filter((name) => text.includes(name)),
  ];
});
check('logs and telemetry take no keys', () => [
  ...every('Microsoft.OperationalInsights/workspaces', { 'properties.features.disableLocalAuth': true }),
  ...every('Microsoft.Insights/components', { 'properties.DisableLocalAuth': true, 'properties.DisableIpMasking': false }),
]);
check('the registry has no admin user and the gateway no plain http', () => [
  ...every('Microsoft.ContainerRegistry/registries', { 'properties.adminUserEnabled': false, 'properties.anonymousPullEnabled': false }),
  ...every('Microsoft.App/containerApps', { 'properties.configuration.ingress.allowInsecure': false }),
]);
check('every role is given in the roles module, to a service, for one resource', () => {
  const roles = of('Microsoft.Authorization/roleAssignments');
  return [
    ...(roles.length >= 8 ? [] : [`only ${roles.length} role assignments`]),
    ...roles.filter((role) => role.module !== 'roles').map((role) => `one in module ${role.module}`),
    ...roles.filter((role) => !role.scope).map((role) => `${role.name} has no scope`),
    ...roles.filter((role) => role.properties.principalType !== 'ServicePrincipal').map((role) => `${role.name} is not for a service`),
  ];
});
check('only roles that are needed are named', () => without(
  [...new Set(read('infra/app/roles.bicep').match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g))],
  [
    'b7e6dc6d-f1e8-4753-8033-0f276bb0955b', // Storage Blob Data Owner
    'ba92f5b4-2d11-453d-a403-e96b0029c9fe', // Storage Blob Data Contributor
    '974c5e8b-45b9-4653-ba55-5f855dd0fb88', // Storage Queue Data Contributor
    '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', // Storage Table Data Contributor
    '12cf5a90-567b-43ae-8102-96cf46c7d9b4', // Web PubSub Service Owner
    '3913510d-42f4-4e42-8a64-420c390055eb', // Monitoring Metrics Publisher
    '0ad04412-c4d5-4796-b79c-f76d14c8d402', // Durable Task Data Contributor
    '7f951dda-4ed3-4680-a7ca-43fe172d538d', // AcrPull
  ]));
check('every resource that can carry tags has those of the environment', () =>
  all.filter((resource) => resource.location && !JSON.stringify(resource.tags ?? '').includes("'tags'"))
    .map((resource) => `${resource.module}: ${resource.type}`));
check('every output that the docs and tools use is there', () => without(
  [
    'AZURE_LOCATION', 'AZURE_TENANT_ID', 'FUNCTIONS_PRINCIPAL_ID', 'WEB_PUBSUB_HUB_AUDIENCE', 'AZURE_RESOURCE_GROUP', 'SERVICE_API_NAME', 'SERVICE_API_URI', 'EVENT_LOG_ACCOUNT',
    'EVENT_LOG_TABLE_ENDPOINT', 'PAGES_BLOB_ENDPOINT', 'WEB_PUBSUB_NAME', 'WEB_PUBSUB_ENDPOINT', 'APPLICATION_INSIGHTS_NAME',
    'LOG_ANALYTICS_WORKSPACE_ID', 'AZURE_CONTAINER_REGISTRY_ENDPOINT', 'GATEWAY_URI',
  ],
  Object.keys(template.outputs)));
check('no output is secure or shows a connection string', () => Object.entries(template.outputs)
  .filter(([name, output]) => /^secure/i.test(output.type) || /ConnectionString|InstrumentationKey/i.test(name + output.value))
  .map(([name]) => name));
check('every parameter says what it is', () =>
  Object.entries(template.parameters).filter(([, parameter]) => !parameter.metadata?.description).map(([name]) => name));

// Every combination of the switches ------------------------------------------------------------------------------------------

const isWhole = process.env.COMBINATIONS === 'all';
const rows = combinations(isWhole);
const { deployed, complaints } = deploy(bicep, rows);
const inEach = (find) => rows.flatMap((row, i) => find(deployed[i], row).map((problem) => `${JSON.stringify(row)}: ${problem}`)).slice(0, 20);
const typed = (resources, type) => resources.filter((resource) => resource.type === type);

check(`${rows.length} combinations of the switches are worked out without a complaint${isWhole ? '' : ' (all 576 with COMBINATIONS=all)'}`, () => complaints);
if (!isWhole) {
  check('in them every pair of two switches\' values occurs', () => {
    const pairs = (list) => new Set(list.flatMap((row) => Object.entries(row).flatMap(([a, x]) => Object.entries(row).map(([b, y]) => `${a}=${x} ${b}=${y}`))));
    return without([...pairs(combinations(true))], [...pairs(rows)]);
  });
}
check('each has exactly the resources that its switches ask for', () => inEach((resources, row) => {
  const wanted = expected(row);
  const types = new Set([...Object.keys(wanted), ...resources.map((resource) => resource.type)]);
  return [...types].filter((type) => typed(resources, type).length !== (wanted[type] ?? 0))
    .map((type) => `${typed(resources, type).length} ${type}, not ${wanted[type] ?? 0}`);
}));
check('in none does a setting override the durable part of host.json, which the scale controller would not see', () => inEach((resources, row) => {
  // Settings hold addresses that Azure alone knows, so that they stay one expression.
  const settings = JSON.stringify(typed(resources, 'Microsoft.Web/sites')[0].properties.siteConfig.appSettings);
  return [
    ...(settings.match(/AzureFunctionsJobHost__extensions\w*/gi) ?? []),
    ...(settings.includes("'DURABLE_TASK_SCHEDULER'") === (row.backend === 'durableTaskScheduler') ? [] : ['DURABLE_TASK_SCHEDULER']),
    ...['OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG', 'Cors__Origins'].filter((name) => !settings.includes(name)),
  ];
}));
check('with zones the plan and all three accounts are spread, without them only the event log', () => inEach((resources, row) => [
  ...typed(resources, 'Microsoft.Web/serverfarms').filter((plan) => plan.properties.zoneRedundant !== row.zones).map(() => 'the plan'),
  ...typed(resources, 'Microsoft.Storage/storageAccounts')
    .filter((account) => (account.sku.name === 'Standard_ZRS') !== (row.zones || account.name.startsWith('stlog'))).map((account) => account.name),
]));
check('a role assignment is named after the object id of who gets it', () => inEach((resources) =>
  typed(resources, 'Microsoft.Authorization/roleAssignments').filter((role) => !role.id.includes(').principalId')).map((role) => role.id)));
check('every alert goes to somebody', () => inEach((resources, row) =>
  [...typed(resources, 'Microsoft.Insights/scheduledQueryRules'), ...typed(resources, 'Microsoft.Insights/metricAlerts')]
    .filter((rule) => !JSON.stringify(rule.properties.actions).includes(row.alerts === 'mail' ? '/actionGroups/ag-' : '/actionGroups/theirs')).map((rule) => rule.name)));
check('the workbook asks the ten questions of docs/queries.kql', () => inEach((resources) => {
  const { items } = JSON.parse(typed(resources, 'Microsoft.Insights/workbooks')[0].properties.serializedData);
  return [
    ...(items.length === 10 ? [] : [`${items.length} questions`]),
    ...items.filter(({ content }, i) => !content.title.startsWith(`${i + 1}. `) || !content.query.includes('| where')).map(({ content }) => content.title),
    ...items.filter(({ content }) => content.resourceType.endsWith(/^(Usage|WebPubSub)/m.test(content.query) ? 'components' : 'workspaces')).map(({ content }) => content.title),
  ];
}));
check('Web PubSub logs connections and messages, and no line for each REST call', () => inEach((resources) => {
  const { categories } = typed(resources, 'Microsoft.SignalRService/webPubSub')[0].properties.resourceLogConfiguration;
  const sent = typed(resources, 'Microsoft.Insights/diagnosticSettings').find((setting) => setting.id.includes('/webPubSub/')).properties.logs;
  return [
    ...without(['ConnectivityLogs', 'MessagingLogs'], categories.filter((category) => category.enabled === 'true').map((category) => category.name)),
    ...without(['ConnectivityLogs', 'MessagingLogs'], sent.map((log) => log.category)),
    ...[...categories, ...sent].filter((log) => JSON.stringify(log).includes('HttpRequestLogs') && String(log.enabled) === 'true').map(() => 'HttpRequestLogs'),
  ];
}));

// What belongs together -----------------------------------------------------------------------------------------------------

const parameters = JSON.parse(read('infra/main.parameters.json')).parameters;
check('main.parameters.json sets every parameter of main.bicep and no other', () => [
  ...without(Object.keys(template.parameters), Object.keys(parameters)).map((name) => `${name} is missing`),
  ...without(Object.keys(parameters), Object.keys(template.parameters)).map((name) => `${name} is not a parameter`),
]);
check('each of its values is one azd environment variable, used once', () => {
  const values = Object.entries(parameters).map(([name, { value }]) => [name, value]);
  return [
    ...values.filter(([, value]) => !/^\$\{[A-Z][A-Z0-9_]*\}$/.test(value)).map(([name]) => name),
    ...values.filter(([, value], i) => values.findIndex(([, other]) => other === value) !== i).map(([name]) => `${name} shares its variable`),
  ];
});
check('docs/deploying.md explains every azd environment variable', () => {
  const text = read('docs/deploying.md');
  return Object.values(parameters).map(({ value }) => value.slice(2, -1)).filter((name) => !text.includes(`\`${name}\``));
});

const azure = read('azure.yaml');
check('the hook of azure.yaml is a script that can be run, and uses only variables that the templates put out', () => {
  const hook = azure.match(/^ {2}postdeploy:\n {4}shell: sh\n {4}run: (\S+)$/m)?.[1];
  if (!hook || !(statSync(hook).mode & 0o100)) return [`no hook that can be run: ${hook}`];
  const used = [...new Set([...read(hook).matchAll(/\$\{?([A-Z][A-Z_]+)/g)].map((match) => match[1]))];
  return without(used, [...Object.keys(template.outputs), 'BASH_SOURCE', 'HANDSHAKE_SECONDS']);
});
check('azure.yaml names a project that exists and a service that the function app is tagged with', () => {
  const service = azure.match(/^services:\n {2}(\w+):/m)?.[1];
  const project = azure.match(/^ {4}project: (.+)$/m)?.[1];
  return [
    ...(service && JSON.stringify(of('Microsoft.Web/sites')[0].tags).includes(`'azd-service-name', '${service}'`) ? [] : [`no function app is tagged ${service}`]),
    ...(project && existsSync(`${project}/${project.split('/').pop()}.csproj`) ? [] : [`no project at ${project}`]),
    ...(/^ {4}host: function$/m.test(azure) && /^ {4}language: dotnet$/m.test(azure) ? [] : ['host must be function and language dotnet']),
  ];
});

const main = read('infra/main.bicep');
const settings = [...main.matchAll(/^ {6}([A-Z]\w+__\w+):/gm)].map((match) => match[1]);
check('docs/deploying.md explains every setting that the app is given', () => {
  const text = read('docs/deploying.md');
  return settings.length === 0 ? ['no settings found'] : settings.filter((name) => !text.includes(`\`${name}\``));
});
check('the app reads every setting that it is given', () => {
  const code = readdirSync('src/Dequeue.Functions', { recursive: true }).filter((name) => name.endsWith('.cs') && !/(^|\/)(bin|obj)\//.test(name))
    .map((name) => read(`src/Dequeue.Functions/${name}`)).join('\n');
  return settings.filter((name) => !code.includes(`"${name.replace('__', ':')}"`));
});
check('the hub and the path of its event handler are those of the app', () => {
  const hub = of('Microsoft.SignalRService/webPubSub/hubs')[0];
  const route = read('src/Dequeue.Functions/Upstream/UpstreamFunction.cs').match(/const string Route = "([^"]+)"/)?.[1];
  const name = read('src/Dequeue.Functions/Configuration/WebPubSubSettings.cs').match(/const string Hub = "([^"]+)"/)?.[1];
  const handler = hub.properties.eventHandlers[0];
  return [
    ...(JSON.stringify(hub.name).includes(`'${name}'`) ? [] : [`the hub is not ${name}`]),
    ...(handler.urlTemplate.includes(`/${route}'`) ? [] : [`the handler is ${handler.urlTemplate}, not /${route}`]),
    ...(handler.auth.type === 'ManagedIdentity' ? [] : ['the handler is called without a token']),
  ];
});

// The workflows -------------------------------------------------------------------------------------------------------------

const workflows = files('.github/workflows', '.yml');
check('every action of the workflows is pinned by commit, with its version beside it', () => workflows.flatMap((path) =>
  [...read(path).matchAll(/uses: (\S+)(.*)/g)]
    .filter(([, action, rest]) => !action.startsWith('./') && !(/@[0-9a-f]{40}$/.test(action) && /^ # v\d+\.\d+\.\d+$/.test(rest)))
    .map(([line]) => `${path}: ${line}`)));
check('an image is signed, listed and proved by its digest, and run before that', () => {
  const steps = read('.github/workflows/image.yml');
  const order = ['PublishContainer', 'docker run', 'cosign sign', 'sbom-action@', 'Provenance', 'sbom-path:'].map((part) => steps.indexOf(part));
  return [
    ...(order.every((at, i) => at > 0 && (i === 0 || at > order[i - 1])) ? [] : [`the steps are at ${order}`]),
    ...(steps.match(/subject-digest: \$\{\{ steps\.image\.outputs\.digest \}\}/g)?.length === 2 ? [] : ['a statement is not about the digest']),
  ];
});
check('a release runs what it publishes before it does, and publishes nothing without its provenance', () => {
  const text = read('.github/workflows/release.yml');
  const order = ['dotnet pack', 'dequeue" demo', 'run-published.sh', 'upload-artifact@', 'sbom-path:', 'nuget push'].map((part) => text.indexOf(part));
  return [
    ...(order.every((at, i) => at > 0 && (i === 0 || at > order[i - 1])) ? [] : [`the steps are at ${order}`]),
    ...['publish', 'publish-npm'].filter((job) => !new RegExp(`^ {2}${job}:\\n {4}needs: \\[pack, attest\\]$`, 'm').test(text)).map((job) => `${job} does not wait for attest`),
    ...(text.match(/^ +packages\/\*\.tgz$/gm)?.length === 2 && /npm publish \S+ --provenance /.test(text) ? [] : ['the npm package has no provenance']),
  ];
});
check('host.scheduler.json is host.json with the scheduler instead of queues and tables', () => {
  const [usual, scheduler] = ['host.json', 'host.scheduler.json'].map((name) => JSON.parse(read(`src/Dequeue.Functions/${name}`)));
  const { hubName, storageProvider } = scheduler.extensions.durableTask;
  Object.assign(usual.extensions.durableTask, { hubName, storageProvider });
  return [
    ...(JSON.stringify(usual) === JSON.stringify(scheduler) ? [] : ['more than the hub and the provider differs']),
    ...(read('infra/main.bicep').includes(`taskHub: '${hubName}'`) ? [] : [`infra/main.bicep has no task hub ${hubName}`]),
    ...(storageProvider.type === 'azureManaged' && read('infra/app/function-app.bicep').includes(`${storageProvider.connectionStringName}:`) ? [] : ['no such connection is set']),
  ];
});
check('decision 12 shows host.json as it is', () => {
  const [, shown] = read('docs/decisions/0012-host-json.md').match(/```json\n([^]*?)```/);
  return shown === read('src/Dequeue.Functions/host.json') ? [] : ['they differ'];
});
check('no two decisions have one number, and each says its own', () => {
  const decisions = files('docs/decisions', '.md').map((path) => [posix.basename(path).slice(0, 4), /^# (\d+)\./.exec(read(path))?.[1].padStart(4, '0'), path]);
  return decisions.filter(([number, said], i) => number !== said || decisions.some(([other], j) => j < i && other === number)).map(([, , path]) => path);
});
check('one action has one commit in all workflows', () => {
  const pins = new Map();
  for (const path of workflows) {
    for (const [, name, commit] of read(path).matchAll(/uses: ([^@\s]+)@([0-9a-f]{40})/g)) {
      const owner = name.split('/').slice(0, 2).join('/');
      pins.set(owner, (pins.get(owner) ?? new Set()).add(commit));
    }
  }
  return [...pins].filter(([, commits]) => commits.size > 1).map(([owner]) => owner);
});
check('every workflow begins with no permissions, has a concurrency group and uses no secret', () => workflows.flatMap((path) => {
  const text = read(path);
  return [
    ...(/^permissions: \{\}$/m.test(text) ? [] : [`${path}: begins with permissions`]),
    ...(/^concurrency:$/m.test(text) ? [] : [`${path}: no concurrency group`]),
    ...(/\bsecrets\b/.test(text) ? [`${path}: uses a secret`] : []),
    ...(/pull_request_target|workflow_run/.test(text) ? [`${path}: runs foreign code with rights`] : []),
  ];
}));
check('every job has a time limit and says what it may do', () => workflows.flatMap((path) => {
  const jobs = read(path).split(/^jobs:$/m)[1].split(/^ {2}(?=[\w-]+:$)/m).slice(1);
  return jobs.flatMap((job) => [
    // A job that calls a workflow of ours cannot have one; the jobs of that workflow do.
    ...(/^ {4}timeout-minutes: \d+$/m.test(job) || /^ {4}uses: \.\/\.github\/workflows\/\w+\.yml$/m.test(job) ? [] : [`${path}: ${job.split(':')[0]} has no timeout-minutes`]),
    ...(/^ {4}permissions:/m.test(job) ? [] : [`${path}: ${job.split(':')[0]} has no permissions`]),
  ]);
}));

check('a deployment with other packages than the tested ones is found', () => {
  const lock = { dependencies: { 'net10.0': { 'A.B': { type: 'Direct', resolved: '1.0.0' }, C: { type: 'Transitive', resolved: '2.0.0' }, own: { type: 'Project' } } } };
  const libraries = (...names) => ({ libraries: Object.fromEntries(names.map((name) => [name, { type: name.startsWith('own') ? 'project' : 'package' }])) });
  const found = (...names) => differences(lock, libraries(...names)).join('; ');
  return [
    [found('A.B/1.0.0', 'C/2.0.0', 'own/1.0.0', 'Azure.Messaging.WebPubSub/1.6.0'), ''],
    [found('A.B/1.0.1', 'C/2.0.0'), 'a.b is 1.0.1, tested was 1.0.0'],
    [found('A.B/1.0.0', 'C/2.0.0', 'D/3.0.0'), 'd 3.0.0 was never tested'],
    [found('A.B/1.0.0'), 'c was tested and is not deployed'],
  ].filter(([is, wanted]) => is !== wanted).map(([is, wanted]) => `"${is}", not "${wanted}"`);
});

// The queries ---------------------------------------------------------------------------------------------------------------

check('docs/queries.kql uses only metrics that docs/operating.md describes', () => {
  const described = read('docs/operating.md');
  const used = [...new Set(read('docs/queries.kql').match(/dequeue(\.[a-z_]+)+/g))];
  return used.length === 0 ? ['no metric is used'] : used.filter((name) => !described.includes(`\`${name}\``));
});
check('docs/queries.kql answers ten questions', () => {
  const count = (read('docs/queries.kql').match(/^\/\/ \d+\. /gm) ?? []).length;
  return count === 10 ? [] : [`${count} questions`];
});

// The docs ------------------------------------------------------------------------------------------------------------------

const documents = ['.', 'docs', 'docs/decisions'].flatMap((folder) => files(folder, '.md')).map((path) => path.replace(/^\.\//, ''));
const anchors = (path) => [...read(path).matchAll(/^#+ (.+)$/gm)]
  .map(([, title]) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));

check('every link inside the docs leads to a file and a heading that are there', () => documents.flatMap((path) =>
  [...read(path).matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].flatMap(([, link]) => {
    const [file, anchor] = link.split('#');
    const target = file ? posix.join(posix.dirname(path), file) : path;
    if (!existsSync(target)) return [`${path}: ${link}`];
    return anchor && !anchors(target).includes(anchor) ? [`${path}: ${link} has no such heading`] : [];
  })));

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
