namespace Dequeue.Contracts.Tests;

public sealed class ErrorCodesTests
{
    [Fact]
    public void Codes_never_change_because_clients_branch_on_them()
        => Assert.Equal(
            ["DB_ERROR", "HISTORY_CHANGED", "INTERNAL", "INVALID_CHECKPOINT", "INVALID_REQUEST", "RATE_LIMITED", "STREAM_TIMEOUT", "UNAUTHORIZED"],
            typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal));
}
