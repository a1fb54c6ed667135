using Dequeue.Storage.Tests.Log;

namespace Dequeue.Storage.Tests.Sqlite;

public sealed class SqliteLogTests(SqliteFixture fixture) : LogConformance(fixture), IClassFixture<SqliteFixture>;
