// A workbook with the ten questions of docs/queries.kql: that file is its text, so that both say the same.
param location string
param tags object
param componentName string
param workspaceName string

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

// Blank lines part the queries; what comes before the first one is about all of them.
var queries = skip(split(trim(replace(loadTextContent('../../docs/queries.kql'), '\r', '')), '\n\n'), 1)

// The last two read tables of the workspace, the others those of Application Insights.
var items = map(queries, (query, i) => {
  type: 3
  name: 'question ${i + 1}'
  content: {
    version: 'KqlItem/1.0'
    title: skip(split(query, '\n')[0], 3)
    query: query
    size: 0
    timeContext: { durationMs: 86400000 }
    queryType: 0
    resourceType: i < 8 ? 'microsoft.insights/components' : 'microsoft.operationalinsights/workspaces'
    crossComponentResources: [i < 8 ? component.id : workspace.id]
  }
})

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(component.id, 'ten questions')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Sync: ten questions'
    category: 'workbook'
    sourceId: component.id
    serializedData: string({
      version: 'Notebook/1.0'
      items: items
      '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
    })
  }
}
