// What an operator is woken for. The queries read the metrics and requests of docs/operating.md; the others what Azure measures by itself.
// A rule on logs costs about 0.5 to 1.5 dollars a month, one on metrics 0.1 a series.
param location string
param tags object
param actionGroupName string

@description('An action group of your own; empty to create one that mails.')
param actionGroupId string

param email string
param componentName string
param workspaceName string
param eventLogAccount string
param hostAccount string
param webPubSubName string
param dailyCapGb int

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource webPubSub 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: webPubSubName
}

resource accounts 'Microsoft.Storage/storageAccounts@2026-04-01' existing = [
  for name in [eventLogAccount, hostAccount]: {
    name: name
  }
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = if (empty(actionGroupId)) {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'sync'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var told = empty(actionGroupId) ? group.id : actionGroupId

// Each answers one row when something is wrong, and none when not. Fewer calls than 20 are no percentage.
var rules = [
  {
    name: 'streams-fail'
    says: 'More than 5 % of the streams of 15 minutes failed: devices fall back to REST. docs/operating.md, query 2.'
    severity: 2
    window: 'PT15M'
    onWorkspace: false
    query: 'customMetrics | where name in ("dequeue.streams.started", "dequeue.streams.failed") | where tostring(customDimensions["code"]) != "left" | summarize started = sumif(valueSum, name endswith "started"), failed = sumif(valueSum, name endswith "failed") | where started >= 20 and failed > 0.05 * started'
  }
  {
    name: 'pushes-are-slow'
    says: 'Pushes of 15 minutes took more than 2 seconds in the mean. docs/operating.md, queries 6 to 8.'
    severity: 2
    window: 'PT15M'
    onWorkspace: false
    query: 'customMetrics | where name == "dequeue.push.duration" | summarize pushes = sum(valueCount), seconds = sum(valueSum) | where pushes >= 20 and seconds > 2 * pushes'
  }
  {
    name: 'calls-fail'
    says: 'More than 2 % of the calls of 10 minutes were answered with 5xx. docs/operating.md, query 1.'
    severity: 1
    window: 'PT10M'
    onWorkspace: false
    query: 'requests | summarize calls = sum(itemCount), failed = sumif(itemCount, toint(resultCode) >= 500) | where calls >= 20 and failed > 0.02 * calls'
  }
  {
    name: 'logs-near-cap'
    says: 'The billed logs of 24 hours reached 80 % of the daily cap; at the cap ingestion stops, and with it every alert on logs.'
    severity: 2
    window: 'P1D'
    onWorkspace: true
    query: 'Usage | where IsBillable | summarize GB = sum(Quantity) / 1000 | where GB > ${dailyCapGb} * 0.8'
  }
  {
    name: 'logs-at-cap'
    says: 'Log ingestion has stopped at the daily cap: you are blind until it is reset.'
    severity: 1
    window: 'PT15M'
    onWorkspace: true
    query: '_LogOperation | where Category == "Ingestion" and Detail has "OverQuota"'
  }
]

resource logRules 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: if (dailyCapGb > 0 || !startsWith(rule.name, 'logs-')) {
    name: rule.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.name
      description: rule.says
      severity: rule.severity
      enabled: true
      scopes: [rule.onWorkspace ? workspace.id : component.id]
      evaluationFrequency: rule.window == 'P1D' ? 'PT1H' : 'PT5M'
      windowSize: rule.window
      // The metrics exist from the first stream and push on.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [told] }
    }
  }
]

resource throttled 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for (name, i) in [eventLogAccount, hostAccount]: {
    name: 'storage-throttles-${i == 0 ? 'event-log' : 'host'}'
    location: 'global'
    tags: tags
    properties: {
      description: 'The storage account refuses calls because they are too many. docs/operating.md, query 8.'
      severity: 2
      enabled: true
      scopes: [accounts[i].id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT5M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'throttled'
            metricNamespace: 'Microsoft.Storage/storageAccounts'
            metricName: 'Transactions'
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 10
            dimensions: [
              {
                name: 'ResponseType'
                operator: 'Include'
                values: [
                  'ServerBusyError'
                  'ClientThrottlingError'
                  'ClientAccountRequestThrottlingError'
                  'ClientAccountBandwidthThrottlingError'
                ]
              }
            ]
          }
        ]
      }
      actions: [{ actionGroupId: told }]
    }
  }
]

resource units 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for measure in [
    { metric: 'ConnectionQuotaUtilization', says: 'Beyond it sockets are refused.' }
    { metric: 'ServerLoad', says: 'Beyond it messages are late.' }
  ]: {
    name: 'web-pubsub-${toLower(measure.metric)}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Web PubSub is at 80 % of its units. ${measure.says} docs/capacity.md.'
      severity: 2
      enabled: true
      scopes: [webPubSub.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'units'
            metricNamespace: 'Microsoft.SignalRService/WebPubSub'
            metricName: measure.metric
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: 80
          }
        ]
      }
      actions: [{ actionGroupId: told }]
    }
  }
]
