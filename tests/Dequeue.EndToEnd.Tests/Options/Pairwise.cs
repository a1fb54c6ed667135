namespace Dequeue.EndToEnd.Tests.Options;

/// <summary>Chooses few combinations of many options so that every two values of different options come together at least once.</summary>
internal static class Pairwise
{
    /// <summary>The rows: for each option, which of its values. The same every time.</summary>
    /// <param name="values">How many values each option has.</param>
    public static List<int[]> Rows(params int[] values)
    {
        var all = All(values);
        var open = all.SelectMany(Pairs).ToHashSet();
        var rows = new List<int[]>();
        while (open.Count > 0)
        {
            var best = all.MaxBy(row => Pairs(row).Count(open.Contains))!;
            open.ExceptWith(Pairs(best));
            rows.Add(best);
        }

        return rows;
    }

    /// <summary>Two options with a value each.</summary>
    public static IEnumerable<(int First, int Value, int Second, int Other)> Pairs(int[] row)
        => from first in Enumerable.Range(0, row.Length)
           from second in Enumerable.Range(first + 1, row.Length - first - 1)
           select (first, row[first], second, row[second]);

    private static List<int[]> All(int[] values)
        => values.Aggregate(new List<int[]> { Array.Empty<int>() }, (rows, count) => [.. rows.SelectMany(row => Enumerable.Range(0, count).Select(value => row.Append(value).ToArray()))]);
}
