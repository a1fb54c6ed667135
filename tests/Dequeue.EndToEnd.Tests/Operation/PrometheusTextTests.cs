using Dequeue.Cli.Operating;

namespace Dequeue.EndToEnd.Tests.Operation;

public sealed class PrometheusTextTests
{
    private const string Text = """
        # TYPE streams_failed_total counter
        streams_failed_total{path="inline",code="left"} 3 1700000000000
        streams_failed_total{path="durable",code="a } b"} 4
        streams_failed_total_other 100
        streams 7
        seconds_sum 1.5e1
        odd NaN-ish

        """;

    [Theory]
    [InlineData("streams_failed_total", null, 7)]
    [InlineData("streams_failed_total", "code=\"left\"", 3)]
    [InlineData("streams", null, 7)]
    [InlineData("seconds_sum", null, 15)]
    [InlineData("odd", null, 0)]
    [InlineData("missing", null, 0)]
    public void The_samples_of_a_metric_are_summed(string name, string? label, double sum) => Assert.Equal(sum, PrometheusText.Sum(Text, name, label));

    [Fact]
    public void A_gauge_that_was_written_is_read()
    {
        var text = PrometheusText.Gauge("file_bytes", "Bytes.", ("{file=\"a\"}", 5), ("{file=\"b\"}", 6));
        Assert.Equal("# TYPE file_bytes gauge\n# HELP file_bytes Bytes.\nfile_bytes{file=\"a\"} 5\nfile_bytes{file=\"b\"} 6\n", text);
        Assert.Equal(11, PrometheusText.Sum(text, "file_bytes"));
    }
}
