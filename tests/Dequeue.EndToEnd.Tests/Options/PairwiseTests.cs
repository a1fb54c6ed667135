namespace Dequeue.EndToEnd.Tests.Options;

public sealed class PairwiseTests
{
    [Fact]
    public void Every_two_values_come_together_in_few_rows()
    {
        int[] values = [4, 3, 4, 2, 3, 2, 2, 2];
        var rows = Pairwise.Rows(values);
        var pairs = rows.SelectMany(Pairwise.Pairs).Distinct().Count();
        Assert.Equal(values.SelectMany((count, at) => values.Skip(at + 1).Select(other => count * other)).Sum(), pairs);
        Assert.InRange(rows.Count, 16, 24);
    }
}
