// A budget of the resource group: it mails, it stops nothing. It begins with a month and counts what the group costs.
param name string
param amount int

@description('First day of a month that is not over, as yyyy-MM-01.')
param start string

@description('Who is told; empty for the owners of the subscription alone.')
param email string

var told = {
  enabled: true
  operator: 'GreaterThanOrEqualTo'
  thresholdType: 'Actual'
  contactEmails: empty(email) ? [] : [email]
  contactRoles: ['Owner']
}

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: {
      nearly: union(told, { threshold: 80 })
      spent: union(told, { threshold: 100 })
      // Before it is too late to lower a limit.
      foreseen: union(told, { threshold: 100, thresholdType: 'Forecasted' })
    }
  }
}
