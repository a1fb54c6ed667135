// Appends to one log with several concurrent writers and prints the ids of each push once it is acknowledged, a line a push.
// Arguments: storage setting, table, user, prefix of the ids, writers, pushes of each. A push has 1 to 40 events, mostly 1.
using System.Text;
using Dequeue.Contracts;
using Dequeue.Storage;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Logging.Abstractions;

var (setting, tableName, user, prefix) = (args[0], args[1], args[2], args[3]);
var (writers, pushes) = (int.Parse(args[4]), int.Parse(args[5]));
var log = new EventLog(EventLogStorage.Open(setting, table: tableName), TimeProvider.System, NullLogger<EventLog>.Instance);
var key = new LogKey(AppId.Parse("dequeue"), UserId.Parse(user));

await Task.WhenAll(Enumerable.Range(0, writers).Select(WriteAsync));

async Task WriteAsync(int writer)
{
    var random = new Random(writer);
    for (var push = 0; push < pushes; push++)
    {
        var ids = Enumerable.Range(0, random.Next(4) == 0 ? random.Next(1, 41) : 1).Select(i => $"{prefix}-{writer}-{push}-{i}").ToList();
        await log.AppendAsync(key, ids.ConvertAll(Event), CancellationToken.None);
        Console.Out.WriteLine(string.Join(' ', ids));
    }
}

static NewEvent Event(string id) => new(
    EventId.Parse(id), Encoding.UTF8.GetBytes($$$"""{"id":"{{{id}}}","type":"task.updated","payload":{"noise":"{{{new string('x', 300)}}}"}}"""), 0);
