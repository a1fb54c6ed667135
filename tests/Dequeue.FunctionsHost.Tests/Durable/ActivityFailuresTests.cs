using Dequeue.FunctionsHost.Durable;

namespace Dequeue.FunctionsHost.Tests.Durable;

public sealed class ActivityFailuresTests
{
    [Fact]
    public void The_line_of_JSON_that_the_durable_extension_writes_is_read_with_its_inner_failures()
    {
        var details = ActivityFailures.Read(
            """
            {"errorType":"System.IO.InvalidDataException","errorMessage":"broken\nin two","stackTrace":"at A()\n at B()",
            """.Trim()
            + """
            "innerFailure":{"errorType":"System.IO.IOException","errorMessage":"inside"},"properties":{"code":7},"new":1}
               at System.Something()
            """,
            "Outer",
            "outer stack");

        Assert.Equal(
            ("System.IO.InvalidDataException", "broken\nin two", "at A()\n at B()"),
            (details.ErrorType, details.ErrorMessage, details.StackTrace));
        Assert.Equal(("System.IO.IOException", "inside"), (details.InnerFailure.ErrorType, details.InnerFailure.ErrorMessage));
        Assert.Equal(7, details.Properties["code"].NumberValue);
    }

    [Theory]
    [InlineData("System.IO.IOException: no such file: x\n   at A()", null, "System.IO.IOException", "no such file: x")]
    [InlineData("no such file", "System.IO.IOException", "System.IO.IOException", "no such file")]
    [InlineData("no such file", null, "(unknown)", "no such file")]
    [InlineData("It failed: twice", null, "(unknown)", "It failed: twice")]
    [InlineData("{\"errorType\": not JSON", "T", "T", "{\"errorType\": not JSON")]
    [InlineData("{\"code\":1}", "T", "T", "{\"code\":1}")]
    [InlineData("{\"errorType\":1}", "T", "T", "{\"errorType\":1}")]
    [InlineData("", null, "(unknown)", "")]
    public void Anything_else_is_taken_as_it_is(string message, string? type, string expectedType, string expectedMessage)
    {
        var details = ActivityFailures.Read(message, type, "at A()");
        Assert.Equal((expectedType, expectedMessage, "at A()"), (details.ErrorType, details.ErrorMessage, details.StackTrace));
    }

    [Fact]
    public void A_failure_that_history_would_not_take_is_cut()
    {
        var details = Failure.Of(new IOException(new string('x', Limits.MaxPayload), new IOException("inside")));
        var kept = Failure.Read(Failure.Write(details));
        Assert.Equal(("System.IO.IOException", 64 * 1024, null), (kept.ErrorType, kept.ErrorMessage.Length, kept.InnerFailure));
    }
}
