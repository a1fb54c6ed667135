using Dequeue.Contracts;

namespace Dequeue.Sync.Log;

/// <summary>Names one event log. There is one log per user of an app, and no call can name another tenant's.</summary>
/// <param name="App">The tenant app.</param>
/// <param name="User">The user within it.</param>
public readonly record struct LogKey(AppId App, UserId User);
